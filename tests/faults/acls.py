"""Taking rights away and giving them back, on a broker that asks its access control lists."""

from __future__ import annotations

from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

AUTHORISED = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
"""Settings of a broker that allows what no list forbids."""

_TOPIC, _LITERAL, _WRITE, _DENY, _ANY = 2, 3, 4, 2, 1
_EVERYBODY, _EVERYWHERE = "User:*", "*"


async def forbid_writing(bootstrap: str, topic: str) -> None:
    """Nobody may write to a topic from now on."""
    await _ask(bootstrap, CreateAclsRequest(_TOPIC, topic, _LITERAL, _EVERYBODY, _EVERYWHERE, _WRITE, _DENY))


async def allow_again(bootstrap: str, topic: str) -> None:
    """Removes every list of a topic."""
    await _ask(bootstrap, DeleteAclsRequest(_TOPIC, topic, _LITERAL, None, None, _ANY, _ANY))


async def _ask(bootstrap: str, request: Any) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin._send_request(request)
    finally:
        await admin.close()
    (results,) = (value for value in answer.to_object().values() if isinstance(value, list))
    refused = [result["error_message"] for result in results if result["error_code"]]
    assert not refused, f"the broker refuses the access control list: {refused}"

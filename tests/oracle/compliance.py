"""Messages that should not have been sent, from all events and all licences at once (billing.md §5, last paragraph).

"A `message.sent` whose `sender_id` holds no licence at that instant, where the account has bought a provisioned add-on with
`consumption = true`; a `service` message sent outside every window."
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.oracle.final_set import Delivery, DeliveryKey, events_that_count
from tests.oracle.instants import instant_ms
from tests.oracle.reading import Event
from tests.oracle.windows import window_at


class Verdict(NamedTuple):
    """One message that should not have been sent, by all that is known in the end."""

    kind: str
    account_id: str
    phone_number_id: str
    message_id: str
    participant: str
    sender_id: str | None
    time: int


def verdicts(events: Iterable[Event], licences: Iterable[Mapping[str, Any]]) -> set[Verdict]:
    """Every verdict. `licences` are records in their order; of several of one billing account and user the last counts."""
    counting = events_that_count(events)
    others = {(event.phone_number_id, event.message_id, event.participant, event.type): event for event in counting}
    latest = {(record["account_id"], record.get("user_id")): record for record in licences}
    found = set()
    for sent in counting:
        if sent.type != "message.sent":
            continue
        kinds = []
        if sent.sender_id is not None and _needs_licence(sent, list(latest.values())):
            kinds.append("unlicensed_sender")
        if _category(sent, others) == "service" and window_at(counting, sent.phone_number_id, sent.user, sent.time) is None:
            kinds.append("outside_window")
        for kind in kinds:
            place = sent.account_id, sent.phone_number_id, sent.message_id, sent.participant or ""
            found.add(Verdict(kind, *place, sent.sender_id, sent.time))
    return found


def _needs_licence(sent: Event, records: Sequence[Mapping[str, Any]]) -> bool:
    bought = False
    for record in records:
        own = record.get("user_id") == sent.sender_id
        of_account = record.get("user_id") is None
        for licence in record["licences"]:
            if sent.account_id not in licence["whatsapp_accounts"]:
                continue
            if own and record.get("since") is not None and sent.time < _ms(record["since"]):
                return False  # of that time nothing is known
            if not licence["consumption"]:
                continue
            if not _ms(licence["from"]) <= sent.time < (_ms(licence["to"]) if licence.get("to") else 1 << 60):
                continue
            if own or (of_account and licence.get("everyone")):
                return False
            bought = True
    return bought


def _category(sent: Event, others: Mapping[tuple[str, str, str | None, str], Event]) -> str | None:
    message = sent.phone_number_id, sent.message_id, sent.participant
    delivered, read = others.get((*message, "message.delivered")), others.get((*message, "message.read"))
    key = DeliveryKey(sent.phone_number_id, sent.message_id, sent.participant or "")
    return Delivery(key, sent, sent, delivered, read, None).category


def _ms(text: str) -> int:
    at = instant_ms(text)
    assert at is not None
    return at

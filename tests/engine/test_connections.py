"""What becomes of requests when a broker goes away."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator

import pytest
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest

from streams.kafka import aiokafka_fixes

NODE = (1, ConnectionGroup.DEFAULT)


@pytest.fixture
async def silent_broker() -> AsyncIterator[int]:
    """The port of one that takes connections and says nothing."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


class _Connection(AIOKafkaConnection):  # type: ignore[misc] # aiokafka has no types
    """Without the question at the start, which nobody answers here."""

    async def _do_version_lookup(self) -> None:
        self._versions = {18: (0, 0)}


async def test_a_request_on_a_connection_that_its_client_drops_is_told_so(silent_broker: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "aiokafka")  # a record of what went wrong would hold the connection
    aiokafka_fixes.apply()
    client = AIOKafkaClient()
    connection = client._conns[NODE] = _Connection("127.0.0.1", silent_broker, request_timeout_ms=60_000)
    await connection.connect()
    answer = asyncio.ensure_future(connection.send(ApiVersionRequest()))
    connection._reader.feed_eof()
    del connection
    assert await client._get_conn(1) is None  # before the connection has noticed by itself
    gc.collect()
    with pytest.raises(KafkaConnectionError):
        await asyncio.wait_for(answer, 5)
    await client.close()

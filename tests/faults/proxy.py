"""A network between workers and a broker that can be made slow, cut, or silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK_BYTES = 64 * 1024


class Proxy:
    """Forwards TCP, in both directions and as told; the attributes may change at any time."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self.delay_s = 0.0
        """Waited before each chunk is handed on."""
        self.chunk_bytes = CHUNK_BYTES
        """The most that is handed on at once."""
        self.flows = asyncio.Event()
        """While it is not set nothing is handed on, and connections stay open."""
        self.flows.set()
        self._connections: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Resets every connection."""
        for writer in list(self._connections):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._connections |= both
        directions = [asyncio.create_task(self._forward(*pair)) for pair in ((reader, far_writer), (far_reader, writer))]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._connections -= both
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            for each in both:
                each.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(self.chunk_bytes):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self.flows.wait()
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def proxy(from_port: int, to_port: int) -> AsyncIterator[Proxy]:
    """A proxy that listens while the context is open."""
    proxied = Proxy(to_port)
    server = await asyncio.start_server(proxied._serve, "127.0.0.1", from_port)
    try:
        yield proxied
    finally:
        server.close()
        proxied.cut()

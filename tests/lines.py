"""A line to a server that can fall silent, as a network does, or be cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from embedded.process import LOOPBACK


class Line:
    """Passes bytes on, both ways, until told otherwise."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._ends: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.port = 0
        self.held = 0
        """How many pieces the silence has swallowed so far, or keeps back."""

    def silence(self) -> None:
        """Pass nothing on from now; who waits is told nothing."""
        self._open.clear()

    def cut(self) -> None:
        """End every connection, and let new ones through again."""
        for end in self._ends:
            end.transport.abort()
        self._open.set()

    def url(self, url: str) -> str:
        """A server's address, by this line."""
        parts = urlsplit(url)
        return url.replace(f"{parts.hostname}:{parts.port}", f"{LOOPBACK}:{self.port}")

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(LOOPBACK, self._target)
        self._ends |= {writer, back}
        try:
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        finally:
            for end in (writer, back):
                self._ends.discard(end)
                end.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(65536):
                if not self._open.is_set():
                    self.held += 1
                    await self._open.wait()
                writer.write(piece)
                await writer.drain()
            writer.close()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """A line to the server that an address names."""
    line = Line(urlsplit(url).port or 0)
    server = await asyncio.start_server(line._meet, LOOPBACK, 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        line.cut()

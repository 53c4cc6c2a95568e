"""A place on the wire at which connections can be hurt."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from embedded.process import LOOPBACK

_CHUNK = 1 << 16


@dataclass(eq=False)
class _Wire:
    """One connection: from whoever called, to the server."""

    caller: asyncio.StreamWriter
    server: asyncio.StreamWriter
    swallows: bool = False
    """The next answer is lost, and the connection with it: the server has acted by then."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def abort(self) -> None:
        for end in (self.caller, self.server):
            end.transport.abort()


class Proxy:
    """Passes on what comes, until it is told to hurt it.

    Args:
        target: The port of the server on loopback, asked for at every connection.
    """

    def __init__(self, target: Callable[[], int]) -> None:
        self._target = target
        self._wires: set[_Wire] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accepted, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self._flowing.set()
        tasks = [task for wire in self._wires for task in wire.tasks]
        self.cut()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """End every connection at once, with nothing said."""
        for wire in list(self._wires):
            wire.abort()

    def swallow(self) -> None:
        """Lose the next answer on every connection, after the server has acted."""
        for wire in self._wires:
            wire.swallows = True

    def half_close(self, *, towards_server: bool) -> None:
        """Close one direction of every connection; the other stays open."""
        for wire in self._wires:
            end = wire.server if towards_server else wire.caller
            with contextlib.suppress(OSError, RuntimeError):
                end.write_eof()

    def hold(self) -> None:
        """Let nothing through, in either direction, until `release`."""
        self._flowing.clear()

    def release(self) -> None:
        self._flowing.set()

    async def _accepted(self, reader: asyncio.StreamReader, caller: asyncio.StreamWriter) -> None:
        try:
            answers, server = await asyncio.open_connection(LOOPBACK, self._target())
        except OSError:
            caller.transport.abort()
            return
        wire = _Wire(caller, server)
        self._wires.add(wire)
        wire.tasks = [
            asyncio.create_task(self._pump(wire, reader, server, answer=False)),
            asyncio.create_task(self._pump(wire, answers, caller, answer=True)),
        ]
        try:
            await asyncio.gather(*wire.tasks)
        except (OSError, RuntimeError):
            pass  # One side is gone, or half closed: so is the wire.
        finally:
            wire.abort()
            for task in wire.tasks:
                task.cancel()
            await asyncio.gather(*wire.tasks, return_exceptions=True)
            self._wires.discard(wire)

    async def _pump(
        self, wire: _Wire, come: asyncio.StreamReader, go: asyncio.StreamWriter, *, answer: bool
    ) -> None:
        while chunk := await come.read(_CHUNK):
            await self._flowing.wait()
            if answer and wire.swallows:
                wire.abort()
                return
            if go.transport.is_closing():
                return
            go.write(chunk)
            await go.drain()
        if go.can_write_eof() and not go.transport.is_closing():
            with contextlib.suppress(OSError, RuntimeError):
                go.write_eof()

"""Calls to the store, the engine and the mail server: counted, and some of them failed, once each.

A call fails before it acts, or after: then it was carried out, and whoever called does not know.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from unittest.mock import patch

import aiosmtplib
import asyncpg
from temporalio.service import RPCError, RPCStatusCode, _BridgeServiceClient

Where = Literal["store", "engine", "mail"]
Mode = Literal["before", "after"]
_MOST = 10_000
"""More calls than a story makes, failures and all."""
WHERE: tuple[Where, ...] = ("store", "engine", "mail")


@dataclass
class Calls:
    """What is called while it is installed, and which calls fail.

    Args:
        failing: The calls that fail, by their number from 1 at each place.
    """

    failing: Mapping[tuple[Where, int], Mode] = field(default_factory=dict)
    counts: Counter[Where] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    async def through(
        self,
        where: Where,
        what: str,
        act: Callable[[], Awaitable[Any]],
        broken: Callable[[], BaseException],
    ) -> Any:
        self.counts[where] += 1
        mode = self.failing.get((where, self.counts[where]))
        if mode is None:
            return await act()
        self.failed.append(f"{where} {self.counts[where]} {mode} {' '.join(what.split())[:60]}")
        if mode == "after":
            await act()
        raise broken()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Between the product and the libraries by which it reaches its servers."""
        connection: Any = asyncpg.Connection
        prepared, plain = connection._do_execute, connection.execute
        rpc = _BridgeServiceClient._rpc_call
        command, data = aiosmtplib.SMTP.execute_command, aiosmtplib.SMTP.data

        def cut(connection: Any) -> Callable[[], BaseException]:
            def broken() -> BaseException:
                connection.terminate()
                return asyncpg.ConnectionDoesNotExistError(
                    "connection was closed in the middle of operation"
                )

            return broken

        async def execute_prepared(self_: Any, query: str, *args: Any, **more: Any) -> Any:
            return await self.through(
                "store", query, lambda: prepared(self_, query, *args, **more), cut(self_)
            )

        async def execute_plain(self_: Any, query: str, *args: Any, **more: Any) -> Any:
            if args:  # It is prepared, and counted there.
                return await plain(self_, query, *args, **more)
            return await self.through(
                "store", query, lambda: plain(self_, query, **more), cut(self_)
            )

        async def call(self_: Any, **more: Any) -> Any:
            if more["service"] != "workflow":  # The sandbox's clock is no engine.
                return await rpc(self_, **more)
            return await self.through(
                "engine",
                more["rpc"],
                lambda: rpc(self_, **more),
                lambda: RPCError("the connection was lost", RPCStatusCode.UNAVAILABLE, b""),
            )

        def hung_up(client: Any) -> Callable[[], BaseException]:
            def broken() -> BaseException:
                client.close()
                return aiosmtplib.SMTPServerDisconnected("Connection lost")

            return broken

        async def say(self_: Any, *words: Any, **more: Any) -> Any:
            return await self.through(
                "mail", str(words[0]), lambda: command(self_, *words, **more), hung_up(self_)
            )

        async def hand_over(self_: Any, *args: Any, **more: Any) -> Any:
            return await self.through(
                "mail", "the mail", lambda: data(self_, *args, **more), hung_up(self_)
            )

        with (
            patch.object(asyncpg.Connection, "_do_execute", execute_prepared),
            patch.object(asyncpg.Connection, "execute", execute_plain),
            patch.object(_BridgeServiceClient, "_rpc_call", call),
            patch.object(aiosmtplib.SMTP, "execute_command", say),
            patch.object(aiosmtplib.SMTP, "data", hand_over),
        ):
            yield


MANY: Mapping[Where, int] = {"store": 12, "engine": 6, "mail": 4}
FEW: Mapping[Where, int] = {"store": 4, "engine": 3, "mail": 2}
"""How many calls fail in one run; for most of them whoever called waits a second."""


def drawn(
    seed: int, counts: Mapping[Where, int], times: Mapping[Where, int] = MANY
) -> dict[tuple[Where, int], Mode]:
    """Some calls of so many; the same for the same seed."""
    chance = random.Random(f"calls {seed}")
    return {
        (where, number): chance.choice(("before", "after"))
        for where in WHERE
        for number in chance.sample(range(1, counts[where] + 1), times[where])
    }


def comb(offset: int, strides: Mapping[Where, int], mode: Mode) -> dict[tuple[Where, int], Mode]:
    """Every n-th call at each place, from the offset on."""
    return {
        (where, number): mode
        for where in WHERE
        for number in range(1 + offset % strides[where], _MOST, strides[where])
    }

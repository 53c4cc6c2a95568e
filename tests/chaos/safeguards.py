"""Safeguards broken on purpose, at run time: the checks must find each of them.

Each is what somebody might leave out in good faith.  Nothing of it is in the product.
"""

import asyncio
import base64
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import activities.follow
import activities.mail.deliver
import activities.writing
import bootstrap.recovery
import store.events
import store.mails
from activities.dispatch import send
from activities.follow import Follower, news
from activities.mailing import claiming, reporting, sending
from activities.mailing.mailroom import Mailroom
from activities.record import Record
from bootstrap import door
from bootstrap.door import Door
from domain.envelope import Envelope, Receipt
from store.database import queries
from store.liveness import FOLLOWER
from store.start import Start, _Kept


@contextmanager
def receipt_not_looked_up() -> Iterator[None]:
    with patch.object(Start, "receipt", None):
        yield


@contextmanager
def expected_version_not_checked() -> Iterator[None]:
    wanted = store.events.append

    async def whatever_is_there(connection: Any, vault: Any, what: Any, **more: Any) -> Any:
        last = await connection.fetchval(
            "select coalesce(max(version), 0) from es.events where stream = $1", what.stream
        )
        anyhow = store.events.Append(what.stream, last, what.events, what.effective)
        return await wanted(connection, vault, anyhow, **more)

    with patch.object(activities.writing, "append", whatever_is_there):
        yield


@contextmanager
def kept_state_not_compared() -> Iterator[None]:
    """What a stream was folded to is used again, whatever the store says of its end."""
    with patch.object(_Kept, "holds", lambda *_: True):
        yield


@contextmanager
def receipt_kept_apart() -> Iterator[None]:
    """In a transaction of its own, before that of the events."""
    keep = Record.keep

    async def apart(self: Record, _: Any, *args: Any) -> None:
        async with self._pool.acquire() as other, other.transaction():
            await keep(self, other, *args)

    with patch.object(Record, "keep", apart):
        yield


@contextmanager
def claim_not_taken() -> Iterator[None]:
    """A mail is made of what is due, which stays due."""
    claimed = claiming._claimed

    async def forgotten(at: Mailroom, connection: Any, *args: Any) -> None:
        undone = connection.transaction()
        await undone.start()
        try:
            await claimed(at, connection, *args)
        finally:
            await undone.rollback()

    with patch.object(claiming, "_claimed", forgotten):
        yield


@contextmanager
def message_id_made_anew() -> Iterator[None]:
    deliver = activities.mail.deliver.deliver

    async def anew(message: bytes, *args: Any, **more: Any) -> Any:
        head, found, rest = message.partition(b"Message-ID: <")
        assert found
        own = uuid.uuid4().hex.encode()
        return await deliver(head + found + own + rest[len(own) :], *args, **more)

    with patch.object(sending, "deliver", anew):
        yield


@contextmanager
def mail_composed_at_each_attempt() -> Iterator[None]:
    kept = store.mails.kept_letter

    async def composed(*args: Any) -> Any:
        letter = await kept(*args)
        if letter is not None:
            message = base64.b64decode(letter["message"]) + uuid.uuid4().hex.encode()
            letter["message"] = base64.b64encode(message).decode()
        return letter

    with patch.object(sending, "kept_letter", composed):
        yield


@contextmanager
def mail_settled_before_it_went() -> Iterator[None]:
    handed_over = sending._handed_over

    async def settled(at: Mailroom, mail: uuid.UUID) -> Any:
        deliver = activities.mail.deliver.deliver

        async def first(*args: Any, **more: Any) -> Any:
            await sending._settle(at, mail, "sent", "250 surely")
            return await deliver(*args, **more)

        with patch.object(sending, "deliver", first):
            return await handed_over(at, mail)

    with patch.object(sending, "_handed_over", settled):
        yield


@contextmanager
def repeated_under_a_new_id() -> Iterator[None]:
    submit = Door.submit

    async def again(self: Door, envelope: Envelope) -> Receipt:
        try:
            return await submit(self, envelope)
        except door.Unavailable:
            anew = {"command_id": uuid.uuid4()}
            return await submit(self, envelope.model_copy(update=anew))

    with patch.object(Door, "submit", again):
        yield


@contextmanager
def not_accepted_said_after_sending() -> Iterator[None]:
    submit = Door.submit

    async def denied(self: Door, envelope: Envelope) -> Receipt:
        try:
            return await submit(self, envelope)
        except door.Unavailable as said:
            raise door.NotAccepted("Not accepted. Repeating is safe.") from said

    with patch.object(Door, "submit", denied):
        yield


@contextmanager
def checkpoint_before_sending() -> Iterator[None]:
    async def hasty(self: Follower, connection: Any) -> None:
        async for reached, envelopes in news(connection, self._vault, self._clock):
            await queries.put_checkpoint(
                connection, reader=FOLLOWER, xact_id=reached.xact_id, position=reached.position
            )
            for envelope in envelopes:
                await send(self._client, envelope)

    with patch.object(Follower, "catch_up", hasty):
        yield


@contextmanager
def crash_not_reconciled() -> Iterator[None]:
    """After the engine was lost nobody starts again what it was waiting for."""

    async def nothing(*args: Any) -> None:
        await asyncio.sleep(0)

    with patch.object(bootstrap.recovery, "_start", nothing):
        yield


@contextmanager
def reminders_not_reconciled() -> Iterator[None]:
    """A changed calendar moves nothing."""

    async def nobody(*args: Any) -> list[str]:
        return []

    with patch.object(activities.follow, "_concerned", nobody):
        yield


@contextmanager
def mail_reported_without_its_record() -> Iterator[None]:
    """That a stream knows of a mail is noted before it is told."""
    unaware = reporting._unaware

    async def early(at: Mailroom, mail: uuid.UUID) -> list[str]:
        streams = await unaware(at, mail)
        async with at.pool.acquire() as connection:
            for stream in streams:
                await queries.mark_reported(connection, mail=mail, stream=stream)
        return streams

    with patch.object(reporting, "_unaware", early):
        yield


SAFEGUARDS: dict[str, Callable[[], Any]] = {
    broken.__name__: broken
    for broken in (
        receipt_not_looked_up,
        expected_version_not_checked,
        kept_state_not_compared,
        receipt_kept_apart,
        claim_not_taken,
        message_id_made_anew,
        mail_composed_at_each_attempt,
        mail_settled_before_it_went,
        mail_reported_without_its_record,
        repeated_under_a_new_id,
        not_accepted_said_after_sending,
        checkpoint_before_sending,
        crash_not_reconciled,
        reminders_not_reconciled,
    )
}
"""Every safeguard, by what is left out."""

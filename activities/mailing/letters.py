"""Mails as they are known: their ids, where they went, and the copies in a mail catcher."""

import asyncio
import base64
from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog

from activities.caught import forget as forget_copies
from activities.mailing.mailroom import Mailroom
from domain.streams import DIGEST
from store.context import people
from store.database import Connection, listed, queries
from store.errors import Unreadable
from store.mails import kept_letter
from store.sick import note
from store.vault import Vault

log = structlog.get_logger()


MAILS = uuid5(NAMESPACE_URL, "tag:handrail,2026:mail")


def mail_id(person: str, on: date, kind: str = DIGEST) -> UUID:
    """The id of a person's mail of a day: the same however often it is asked for."""
    return uuid5(MAILS, f"{person}/{on.isoformat()}/{kind}")


async def went_to(connection: Connection, vault: Vault, row: Any) -> str:
    """The address that a mail went to, or was to go to; empty once its reader was erased.

    Of a mail that cannot be opened it is the one that the directory has.
    """
    try:
        letter = await kept_letter(connection, vault, row)
    except Unreadable as sick:
        await note(connection, sick)
        entry = (await people(connection, {row["person"]})).get(row["person"])
        return (entry.email if entry else None) or ""
    return letter["recipient"] if letter else ""


async def still_theirs(connection: Connection, vault: Vault, row: Any) -> bool:
    """Whether a mail went to the address that the directory still has for its reader."""
    address = await went_to(connection, vault, row)
    entry = (await people(connection, {row["person"]})).get(row["person"])
    return bool(address and entry and address == entry.email)


async def forget(at: Mailroom, person: str) -> None:
    """Bring the copies in the mail catcher up to what erasing somebody has left of them."""
    if at.caught is None:
        return
    kept: dict[str, bytes | None] = {}
    async with at.pool.acquire() as connection:
        for row in await listed(queries.mails_about(connection, person=person)):
            try:
                letter = await kept_letter(connection, at.vault, row)
            except Unreadable as sick:
                # Nobody can take them out of it, so no copy is kept.
                await note(connection, sick)
                letter = None
            kept[row["message_id"]] = base64.b64decode(letter["message"]) if letter else None
    done = await asyncio.to_thread(forget_copies, at.caught, kept)
    log.info("caught_mails_forgotten", person=person, mails=done)

"""Calendar files, for the worker that keeps them and for whoever asks for one."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from activities.feeds import Feed, Keeper, entries, feeds, rendered
from bootstrap.wiring import Services
from domain.rules.context import ProgramEntry
from store.database import Connection
from store.documents import program
from store.vault import Vault

__all__ = ["Feed", "exported", "keeper", "known_feeds"]


def keeper(at: Services, directory: Path) -> Keeper:
    """What keeps the files of a directory up to date."""
    return Keeper(at.pool, at.vault, at.clock, directory)


async def exported(
    connection: Connection,
    settings: ProgramEntry,
    engagements: Sequence[str] | None,
    title: str,
    now: datetime,
) -> tuple[bytes, int]:
    """The dates of engagements, or of all that are not over, as one file; and how many."""
    found = await entries(connection, engagements, settings)
    every = [entry for of_one in found.values() for entry in of_one]
    return rendered(every, settings, title, now), len(every)


async def known_feeds(connection: Connection, vault: Vault, now: datetime) -> list[Feed]:
    """Every feed there is; none before there is a program."""
    settings = await program(connection)
    return [] if settings is None else await feeds(connection, vault, settings.zone, now)

"""A consistent copy of a store in one file, and the way back, checked from end to end.

The file is a tar with `manifest.json`, which says what must be found in the copy, and PostgreSQL's
own dump, both of one moment.  The master key is not in it.
"""

import asyncio
import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bootstrap.adopting import Adopted, AtWork, adopt
from bootstrap.lacking import Missing, lacking
from bootstrap.settings import Settings
from embedded.dumping import dump, restore
from embedded.home import Home, StackLock
from store.database import listed, queries

Say = Callable[[str], None]

FORMAT = 1
_MANIFEST, _DUMP = "manifest.json", "store.dump"
_OURS = ("es", "vault", "read", "ops", "reporting")


class NotRestored(Exception):
    """Nothing was put back, and what was there is as it was; the message says why."""


@dataclass(frozen=True)
class Place:
    """A database to work with, by both of its roles."""

    database_url: str
    owner_url: str
    home: Home | None
    """The data directory, where the database is the embedded one."""
    settings: Settings
    """With the master key of that place."""


@contextmanager
def place_of(settings: Settings, say: Say, *, new: bool = False) -> Iterator[Place]:
    """The database that the settings name, or the embedded one, started if nobody runs it.

    Args:
        new: Make the embedded one where there is none.

    Raises:
        NotRestored: There is none.
    """
    if settings.database_url is not None:
        url, owner = settings.require_database_url(), settings.require_owner_database_url()
        yield Place(url, owner, None, settings)
        return
    home = Home(settings.home)
    data = home.path / "postgresql" / "data"
    if not new and not data.exists():
        raise NotRestored(
            f"There is no store in {home.path}, and DATABASE_URL names none. Set HANDRAIL_HOME to "
            f"the data directory, or DATABASE_URL and HANDRAIL_OWNER_DATABASE_URL."
        )
    from embedded.postgres import start_cluster

    home.make()
    if settings.key is None and settings.key_file is None:
        settings = replace(settings, key_file=home.key_file)
    lock = StackLock(home.path)
    lock.acquire(sandbox=False, say=say)
    try:
        cluster = start_cluster(
            home.path / "postgresql",
            log=home.logs / "postgresql.log",
            secrets_directory=home.secrets,
            keep_open=[lock.descriptor],
        )
        try:
            yield Place(cluster.app_url(), cluster.owner_url(), home, settings)
        finally:
            cluster.process.stop()
    finally:
        lock.release()


async def adopt_here(settings: Settings, *, say: Say, practice: bool) -> Adopted:
    """Begin a life of its own for the store that the settings name; see `bootstrap.adopting`."""
    with place_of(settings, say) as place:
        done = await adopt(
            place.settings,
            database_url=place.database_url,
            owner_url=place.owner_url,
            practice=practice,
        )
        if place.home is not None:
            place.home.settle()
        return done


# What a copy holds


async def _contents(connection: Any) -> dict[str, Any]:
    """What can be counted, and a digest over the end of every stream."""
    counts = await queries.contents(connection)
    heads = hashlib.sha256()
    for row in await listed(queries.heads(connection)):
        heads.update(f"{row['stream']} {row['version']} {row['hash'].hex()}\n".encode())
    return {**dict(counts), "heads": heads.hexdigest()}


async def backup(settings: Settings, *, say: Say, file: Path) -> dict[str, Any]:
    """Write a copy of the store as it is at one moment; work goes on meanwhile.

    Returns:
        What the copy holds.

    Raises:
        NotRestored: The file is there already.
    """
    import asyncpg

    with _beside(file) as room, place_of(settings, say) as place:
        owner: Any = await asyncpg.connect(place.owner_url, timeout=5)
        try:
            async with owner.transaction(isolation="repeatable_read", readonly=True):
                snapshot = await owner.fetchval("select pg_export_snapshot()")
                epoch = await queries.epoch(owner)
                manifest = {
                    "format": FORMAT,
                    "handrail": version("handrail"),
                    "taken_at": (await owner.fetchval("select now()")).isoformat(),
                    "kind": await queries.store_kind(owner),
                    "schema": await owner.fetchval("select version_num from alembic_version"),
                    "epoch": epoch["epoch"] if epoch else "",
                    "master_keys": sorted(
                        row["master_id"] for row in await listed(queries.master_ids(owner))
                    ),
                    "contents": await _contents(owner),
                }
                say("copying the database")
                await asyncio.to_thread(dump, place.owner_url, room / _DUMP, snapshot=snapshot)
        finally:
            await owner.close()
        (room / _MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
        made = room / "backup.tar"
        made.touch(mode=0o600)  # It names people.
        with tarfile.open(made, "w") as tar:
            tar.add(room / _MANIFEST, _MANIFEST)
            tar.add(room / _DUMP, _DUMP)
        with made.open("rb") as written:
            os.fsync(written.fileno())
        made.replace(file)
    return manifest


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """A directory of our own on the disk of a file that is to be made."""
    if file.exists():
        raise NotRestored(f"{file} is there already. Name a file that is not.")
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as room:
        yield Path(room)


def manifest_of(file: Path) -> dict[str, Any]:
    """What a backup says of itself.

    Raises:
        NotRestored: It is none, or it is damaged.
    """
    try:
        with tarfile.open(file) as tar, closing(_member(tar, _MANIFEST)) as found:
            manifest: dict[str, Any] = json.loads(found.read())
    except (OSError, tarfile.TarError, KeyError, ValueError) as problem:
        raise NotRestored(f"{file} is not a backup of Handrail, or is damaged ({problem}).") from (
            problem
        )
    if manifest.get("format") != FORMAT:
        raise NotRestored(
            f"{file} has the format {manifest.get('format')!r}, and this Handrail reads {FORMAT}. "
            f"Use the release that wrote it ({manifest.get('handrail')}), or a newer one."
        )
    return manifest


def _member(tar: tarfile.TarFile, name: str) -> Any:
    found = tar.extractfile(name)
    if found is None:
        raise KeyError(name)
    return found


# The way back


@dataclass(frozen=True)
class Restored:
    """What was put back."""

    manifest: dict[str, Any]
    adopted: Adopted
    missing: Sequence[Missing]
    """What was answered after the backup, as far as anybody still knows."""
    asked: Sequence[str]
    """Who was asked about that."""


async def restore_here(
    settings: Settings, *, say: Say, file: Path, practice: bool, replace_: bool
) -> Restored:
    """Put a backup back, check it, and begin a life of its own for it.

    Raises:
        NotRestored: It was not; what was there is as it was.
        AtWork: A worker is alive.
    """
    import asyncpg

    from store.vault import Vault

    manifest = manifest_of(file)
    with place_of(settings, say, new=True) as place:
        ours = Vault(place.settings.master_key()).master_id
        if (used := set(manifest["master_keys"])) and ours not in used:
            raise NotRestored(
                f"The backup was sealed with master key {', '.join(sorted(used))}, and the one at "
                f"hand is {ours}: nothing about people could be read. Set HANDRAIL_KEY_FILE to "
                f"the key that the store began with."
            )
        sandbox = manifest["kind"] == "sandbox"
        if place.home is not None:
            place.home.check_kind("sandbox" if sandbox else "production")
        owner: Any = await asyncpg.connect(place.owner_url, timeout=5)
        try:
            missing, asked = await _known_here(owner, manifest, replace_=replace_)
            await _aside(owner)
            try:
                await _put_back(owner, place, file, manifest, say)
            except BaseException:
                await _as_it_was(owner)
                raise
            await owner.execute(_DROP)
        finally:
            await owner.close()
        from store.migrations import migrate

        await migrate(place.owner_url, sandbox=sandbox)
        if not sandbox:
            more, also = await _known_to_temporal(place, manifest)
            missing, asked = [*missing, *more], [*asked, *also]
        adopted = await adopt(
            place.settings,
            database_url=place.database_url,
            owner_url=place.owner_url,
            practice=practice,
            why="restored",
            since=datetime.fromisoformat(manifest["taken_at"]),
        )
        if place.home is not None:
            place.home.record_kind("sandbox" if sandbox else "production")
    once = {m.command_id: m for m in missing if not m.by_system}
    return Restored(manifest, adopted, sorted(once.values(), key=lambda m: m.at), asked)


async def _known_here(
    owner: Any, manifest: dict[str, Any], *, replace_: bool
) -> tuple[list[Missing], list[str]]:
    """Whether the place is free, and what the store in it has that the backup has not."""
    if await owner.fetchval("select to_regclass('es.events')") is None:
        return [], []
    if await queries.live_workers(owner):
        raise AtWork(
            "A worker is at work on this database, or was seconds ago. Stop it, and repeat in ten "
            "seconds."
        )
    events = await owner.fetchval("select count(*) from es.events")
    if events and not replace_:
        raise NotRestored(
            f"The database holds a store already, with {events} events. Take a backup of it first, "
            f"then repeat with --replace."
        )
    if await owner.fetchval("select to_regclass('es.epochs')") is None:
        return [], []
    epochs = {row["epoch"] for row in await listed(queries.epochs(owner))}
    if manifest["epoch"] not in epochs:
        return [], []
    rows = await listed(
        queries.recorded_since(owner, since=datetime.fromisoformat(manifest["taken_at"]))
    )
    found = [Missing(r["command_id"], r["stream"], r["recorded_at"], r["what"]) for r in rows]
    return found, ["the store that was here"]


async def _known_to_temporal(
    place: Place, manifest: dict[str, Any]
) -> tuple[list[Missing], list[str]]:
    """What Temporal answered in the life of the backup that is not in it."""
    from datetime import UTC

    from temporalio.service import RPCError

    from bootstrap.clock import SystemClock
    from bootstrap.wiring import Services, connect_temporal
    from store.database import open_pool
    from store.epochs import Epoch
    from store.vault import Vault

    if place.settings.temporal_address is None:
        return [], []
    try:
        client = await asyncio.wait_for(
            connect_temporal(place.settings, epoch=manifest["epoch"]), 5
        )
    except (RuntimeError, OSError, TimeoutError, RPCError):
        return [], []
    pool = await open_pool(place.database_url, size=4)
    try:
        before = Epoch(manifest["epoch"], 0, datetime.now(UTC), False, None)
        key = place.settings.master_key()
        at = Services(place.settings, pool, Vault(key), client, SystemClock(), False, before)
        return (await lacking(at)).missing, ["Temporal"]
    finally:
        await pool.close()


_DROP = "".join(f"drop schema if exists {schema}_before cascade;" for schema in _OURS)


async def _aside(owner: Any) -> None:
    """Out of the way of what is put back, until that is known to be whole."""
    async with owner.transaction():
        await owner.execute(_DROP)
        if await owner.fetchval("select to_regclass('public.alembic_version')") is not None:
            await owner.execute("alter table public.alembic_version set schema es")
        for schema in _OURS:
            if await owner.fetchval("select to_regnamespace($1)", schema) is not None:
                await owner.execute(f"alter schema {schema} rename to {schema}_before")


async def _as_it_was(owner: Any) -> None:
    async with owner.transaction():
        await owner.execute("drop table if exists public.alembic_version")
        for schema in _OURS:
            await owner.execute(f"drop schema if exists {schema} cascade")
            if await owner.fetchval("select to_regnamespace($1)", f"{schema}_before") is not None:
                await owner.execute(f"alter schema {schema}_before rename to {schema}")
        if await owner.fetchval("select to_regclass('es.alembic_version')") is not None:
            await owner.execute("alter table es.alembic_version set schema public")


async def _put_back(
    owner: Any, place: Place, file: Path, manifest: dict[str, Any], say: Say
) -> None:
    """Put the copy in, and see that it is whole."""
    from embedded.process import StartError

    with tempfile.TemporaryDirectory() as room:
        try:
            with tarfile.open(file) as tar:
                tar.extract(_DUMP, room, filter="data")
        except (OSError, tarfile.TarError, KeyError) as problem:
            raise NotRestored(f"{file} is damaged ({problem}).") from problem
        say("putting the database back")
        try:
            await asyncio.to_thread(restore, place.owner_url, Path(room) / _DUMP)
        except StartError as problem:
            raise NotRestored(f"{problem} Nothing was changed.") from problem
    say("checking every stream")
    found = await _contents(owner)
    if found != manifest["contents"]:
        differ = [
            f"{what}: {found.get(what)} instead of {wanted}"
            for what, wanted in manifest["contents"].items()
            if found.get(what) != wanted
        ]
        raise NotRestored(
            f"What was put back is not what was saved ({'; '.join(differ)}). It was taken away "
            f"again. Use another backup."
        )
    for row in await listed(queries.heads(owner)):
        broken = await owner.fetchval("select min(v) from es.broken_links($1) as v", row["stream"])
        if broken is not None:
            raise NotRestored(
                f"The chain of {row['stream']} is broken from version {broken} on, "
                f"in the backup already. It was taken away again. Use another backup."
            )
    # Those were at work where the copy was made.
    await owner.execute("delete from ops.workers")

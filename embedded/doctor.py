"""Look at every part and say what is wrong with it and what to do."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from bootstrap.away import why
from bootstrap.settings import (
    ENVIRONMENT,
    Settings,
    SettingsError,
    is_locked,
    read_live_stack,
)
from bootstrap.values import Secret
from embedded.findings import Finding
from embedded.foreign import CONNECT_SECONDS, without_password
from embedded.looks.defects import look_at_defects
from embedded.looks.engine import look_at_engine
from embedded.looks.lives import epoch_in, look_at_lives
from embedded.looks.mail import look_at_mail
from embedded.looks.returned import look_at_returned_mail
from embedded.looks.seals import look_at_seals
from embedded.looks.streams import streams
from embedded.looks.waiting import look_at_waiting


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything at once; takes a little over five seconds at worst."""
    checks: list[Coroutine[Any, Any, list[Finding]]] = [
        _stack(settings),
        _temporal(settings),
        _database(settings),
        look_at_mail(settings, _restart(settings, "smtp_url")),
        _key(settings),
        look_at_lives(settings),
    ]
    return [finding for found in await asyncio.gather(*checks) for finding in found]


def _start_or_set(name: str) -> str:
    return f"Run `handrail up`, or set {ENVIRONMENT[name]} to a service of your own."


async def _stack(settings: Settings) -> list[Finding]:
    record = read_live_stack(settings.home)
    if record is not None:
        kind = "a sandbox" if record["sandbox"] else "a stack"
        if record["alarms"]:
            return [
                Finding(
                    "Stack",
                    "away",
                    f"{kind} runs on {settings.home}, but not all of it: "
                    f"{' '.join(record['alarms'])}",
                    "What is being started again needs no hand: look again in a minute. For the "
                    "rest the end of the log that is named says why; mend that, then "
                    "`handrail down` and `handrail up`.",
                )
            ]
        return [Finding("Stack", "ok", f"{kind} runs on {settings.home}, process {record['pid']}")]
    if is_locked(settings.home):
        return [
            Finding(
                "Stack",
                "attention",
                f"one is starting or stopping on {settings.home}",
                "Wait a few seconds and look again.",
            )
        ]
    if settings.database_url is not None and settings.temporal_address is not None:
        return [Finding("Stack", "ok", "none here; the settings name real services")]
    return [Finding("Stack", "away", f"none runs on {settings.home}", "Run `handrail up`.")]


async def _temporal(settings: Settings) -> list[Finding]:
    part = "Temporal"
    if settings.temporal_address is None:
        return [Finding(part, "away", "no address is known", _start_or_set("temporal_address"))]
    from temporalio.client import Client
    from temporalio.service import RPCError

    where = f"{settings.temporal_address}, namespace {settings.temporal_namespace}"
    try:
        client = await asyncio.wait_for(
            Client.connect(**settings.temporal_connect_config()), CONNECT_SECONDS
        )
        # The time-skipping server can be asked for none of it.
        seen = []
        if not settings.sandbox:
            seen = await look_at_engine(client, settings, await epoch_in(settings))
    except SettingsError as error:
        return [Finding(part, "away", str(error), "Correct the setting and look again.")]
    except (RPCError, RuntimeError, TimeoutError) as error:
        said = why(error)
        return [Finding(part, "away", f"{where}: {said}", _restart(settings, "temporal_address"))]
    return [Finding(part, "ok", where), *seen]


async def _database(settings: Settings) -> list[Finding]:
    """Reachable, the right schema, the right kind, workers alive, and the actor known."""
    part = "PostgreSQL"
    if settings.database_url is None:
        return [
            Finding(part, "away", "no address is known", _start_or_set("database_url")),
            _actor_without_database(settings),
        ]
    import asyncpg

    url = settings.database_url.told()
    where = without_password(url)
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        said = why(error)
        return [
            Finding(part, "away", f"{where}: {said}", _restart(settings, "database_url")),
            _actor_without_database(settings),
        ]
    try:
        findings = [Finding(part, "ok", where), await _schema(connection)]
        if findings[-1].state != "away":
            findings += [
                await _kind(connection, settings),
                await _workers(connection),
                await _actor(connection, settings),
                *await _keys(connection, settings),
                *await look_at_defects(connection),
                *await look_at_returned_mail(connection, settings),
                *await look_at_waiting(connection, settings),
                *await look_at_seals(connection, settings),
                *await streams(connection, settings),
            ]
    finally:
        await connection.close()
    return findings


async def _schema(connection: Any) -> Finding:
    import asyncpg
    from alembic.script import ScriptDirectory

    import store.migrations

    part = "Schema"
    remedy = f"Run `handrail admin migrate` with {ENVIRONMENT['owner_database_url']} set."
    wanted = ScriptDirectory(Path(store.migrations.__file__).parent).get_current_head()
    try:
        found = await connection.fetchval("select version_num from alembic_version")
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        return Finding(part, "away", "the database holds no Handrail schema", remedy)
    if found == wanted:
        return Finding(part, "ok", f"version {found}")
    known = {
        script.revision
        for script in ScriptDirectory(Path(store.migrations.__file__).parent).walk_revisions()
    }
    if found not in known:
        return Finding(
            part,
            "away",
            f"version {found}, newer than this Handrail, which knows {wanted}",
            "Install the Handrail that the rest of the office runs.",
        )
    return Finding(part, "away", f"version {found}; this Handrail needs {wanted}", remedy)


async def _kind(connection: Any, settings: Settings) -> Finding:
    from store.database import queries

    kind = await queries.store_kind(connection)
    if settings.sandbox and kind != "sandbox":
        return Finding(
            "Store",
            "away",
            f"a {kind} store, but the running stack is a sandbox",
            f"Unset {ENVIRONMENT['database_url']}, or stop the sandbox with `handrail down`.",
        )
    words = {
        "sandbox": "sandbox: its clock is `handrail clock`",
        "production": "production: stamped by the database's clock",
    }
    return Finding("Store", "ok", words.get(kind, str(kind)))


async def _keys(connection: Any, settings: Settings) -> list[Finding]:
    """Whether the master key at hand is the one this store's keys were wrapped with."""
    from store.database import listed, queries
    from store.vault import Vault

    try:
        ours = Vault(settings.master_key()).master_id
    except SettingsError:
        return []  # Said under "Master key".
    used = {row["master_id"] for row in await listed(queries.master_ids(connection))}
    if used <= {ours}:
        return []
    return [
        Finding(
            "Keys",
            "away",
            f"this store was sealed with master key {', '.join(sorted(used - {ours}))}, and the "
            f"one at hand is {ours}",
            f"Set {ENVIRONMENT['key_file']} to the key this store began with.",
        )
    ]


async def _workers(connection: Any) -> Finding:
    from store.database import queries

    alive = await queries.live_workers(connection)
    if alive:
        return Finding("Workers", "ok", f"{alive} alive")
    return Finding(
        "Workers",
        "away",
        "none alive: no command is accepted, reminders do not go out",
        "Run `handrail up`, or start one on any host with `python -m worker`; its log says why "
        "it ended.",
    )


async def _actor(connection: Any, settings: Settings) -> Finding:
    from store.database import queries

    if settings.actor is None:
        return _no_actor()
    handles = {row["handle"] async for row in queries.handles(connection)}
    if settings.actor in handles:
        return Finding("Actor", "ok", settings.actor)
    if not handles:
        return Finding(
            "Actor",
            "attention",
            f"'{settings.actor}', but the directory is empty",
            "Run `handrail init` to make the program and its first Director.",
        )
    return Finding(
        "Actor",
        "attention",
        f"'{settings.actor}' is not in the directory",
        f"Set {ENVIRONMENT['actor']} to the handle of a person on staff.",
    )


def _no_actor() -> Finding:
    return Finding(
        "Actor",
        "attention",
        "nobody: commands that change something will be refused",
        f"Set {ENVIRONMENT['actor']} to your handle, or `actor` in the config file.",
    )


def _actor_without_database(settings: Settings) -> Finding:
    if settings.actor is None:
        return _no_actor()
    return Finding("Actor", "ok", f"{settings.actor} (not looked up: no database)")


async def _key(settings: Settings) -> list[Finding]:
    part = "Master key"
    try:
        settings.master_key()
    except SettingsError as error:
        remedy = f"Set {ENVIRONMENT['key_file']} to the key this store began with."
        return [Finding(part, "away", str(error), remedy)]
    if settings.key is not None or settings.key_file is None:
        return [Finding(part, "ok", f"from {ENVIRONMENT['key']}")]
    mode = settings.key_file.stat().st_mode & 0o777
    if mode & 0o077:
        return [
            Finding(
                part,
                "attention",
                f"{settings.key_file} can be read by other users (mode {mode:o})",
                f"chmod 600 '{settings.key_file}'",
            )
        ]
    return [Finding(part, "ok", str(settings.key_file))]


def _restart(settings: Settings, name: str) -> str:
    record, told = read_live_stack(settings.home), getattr(settings, name)
    if record is not None and record[name] == (told.told() if isinstance(told, Secret) else told):
        return (
            "If it ended, it is started again by itself: look again in a minute. If it stays away, "
            "`handrail down`, then `handrail up`; the logs say why."
        )
    return f"Check {ENVIRONMENT[name]}, or unset it and run `handrail up`."

"""Tampering is found: each event's hash rests on the one before it."""

import pytest

from store.database import Connection
from store.vault import Vault
from tests.store.facts import fact, put

STREAM = "engagement:e"


async def _broken(connection: Connection, stream: str = STREAM) -> list[int]:
    return [
        row["broken_links"] for row in await connection.fetch("select es.broken_links($1)", stream)
    ]


async def _tamper(superuser: Connection, sql: str) -> None:
    """What only somebody with the server's highest rights can do."""
    async with superuser.transaction():
        await superuser.execute("alter table es.events disable trigger append_only")
        assert await superuser.execute(sql) != "UPDATE 0"
        await superuser.execute("alter table es.events enable always trigger append_only")


@pytest.fixture
async def five(app: Connection, vault: Vault) -> None:
    await put(app, vault, STREAM, 0, [fact("1"), fact("2")])
    await put(app, vault, STREAM, 2, [fact("3")])
    await put(app, vault, STREAM, 3, [fact("4"), fact("5")])
    await put(app, vault, "engagement:other", 0, [fact("1"), fact("2")])


@pytest.mark.usefixtures("five")
async def test_an_untouched_chain_is_whole(app: Connection) -> None:
    assert await _broken(app) == []
    assert await _broken(app, "engagement:never-opened") == []


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    "change",
    [
        """data = jsonb_set(data, '{person}', '"another"')""",
        "data = data || '{\"added\": null}'",
        "recorded_at = recorded_at - interval '1 microsecond'",
        "effective_at = effective_at + interval '1 day'",
        "actor = 'p-somebody-else'",
        "type = 'engagement-closed'",
        "schema_version = 2",
        "command_id = gen_random_uuid()",
        "causation_id = gen_random_uuid()",
    ],
)
async def test_a_changed_event_is_found(
    app: Connection, superuser: Connection, change: str
) -> None:
    await _tamper(
        superuser, f"update es.events set {change} where stream = '{STREAM}' and version = 3"
    )
    assert await _broken(app) == [3]
    assert await _broken(app, "engagement:other") == []


@pytest.mark.usefixtures("five")
async def test_a_changed_event_with_a_hash_made_to_fit_breaks_the_next(
    app: Connection, superuser: Connection
) -> None:
    await _tamper(
        superuser,
        f"""
        update es.events e
           set actor = 'p-forger',
               hash = es.chain_hash((select p.hash from es.events p
                                      where p.stream = e.stream and p.version = 2),
                                    e.stream, e.version, e.recorded_at, e.effective_at,
                                    e.command_id, e.type, e.schema_version, 'p-forger',
                                    e.causation_id, e.data)
         where stream = '{STREAM}' and version = 3
        """,
    )
    assert await _broken(app) == [4]


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(("gone", "found"), [(1, [2]), (3, [4])])
async def test_a_removed_event_is_found_by_the_one_after_it(
    app: Connection, superuser: Connection, gone: int, found: list[int]
) -> None:
    await _tamper(
        superuser, f"delete from es.events where stream = '{STREAM}' and version = {gone}"
    )
    assert await _broken(app) == found


@pytest.mark.usefixtures("five")
async def test_a_removed_event_is_found_though_the_later_ones_were_renumbered(
    app: Connection, superuser: Connection
) -> None:
    await _tamper(superuser, f"delete from es.events where stream = '{STREAM}' and version = 3")
    for version in (4, 5):
        await _tamper(
            superuser,
            f"update es.events set version = version - 1"
            f" where stream = '{STREAM}' and version = {version}",
        )
    assert await _broken(app) == [3, 4]


@pytest.mark.usefixtures("five")
async def test_events_moved_from_another_stream_are_found(
    app: Connection, superuser: Connection
) -> None:
    await _tamper(
        superuser,
        "update es.events set stream = 'engagement:copy' where stream = 'engagement:other'",
    )
    assert await _broken(app, "engagement:copy") == [1, 2]


async def test_a_removed_beginning_is_found_though_the_hash_was_made_to_fit(
    app: Connection, superuser: Connection, vault: Vault
) -> None:
    await put(app, vault, STREAM, 0, [fact("1"), fact("2")])
    await _tamper(superuser, f"delete from es.events where stream = '{STREAM}' and version = 1")
    await _tamper(
        superuser,
        f"""
        update es.events
           set hash = es.chain_hash(null, stream, version, recorded_at, effective_at, command_id,
                                    type, schema_version, actor, causation_id, data)
         where stream = '{STREAM}'
        """,
    )
    assert await _broken(app) == [2]


async def test_the_first_event_has_nothing_before_it(
    app: Connection, superuser: Connection, vault: Vault
) -> None:
    await put(app, vault, STREAM, 0, [fact("1")])
    await _tamper(superuser, f"update es.events set version = 2 where stream = '{STREAM}'")
    assert await _broken(app) == [2]

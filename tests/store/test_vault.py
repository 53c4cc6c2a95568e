"""Text about people is sealed with a key each, and forgotten by destroying that key."""

import asyncio
import json
from contextlib import suppress
from typing import Any, ClassVar

import asyncpg
import pytest

from domain.kernel.messages import Event
from domain.kernel.sealed import Sealed
from domain.program.erasing import PersonErased
from domain.program.people import PersonRegistered
from domain.rules.registry import fold
from store.database import Connection, Pool, queries
from store.errors import ForeignKey, Unreadable, VaultError
from store.events import decode, read_stream
from store.vault import Vault, remembering
from tests.conftest import MASTER_KEY, Database, destroy_key
from tests.store.facts import put

JOY = "p-joy"
STREAM = f"person:{JOY}"


def registered(name: str = "Joy Kim", about: str = JOY) -> PersonRegistered:
    return PersonRegistered(
        handle=Sealed(about=about, text="joy"),
        name=Sealed(about=about, text=name),
        email=Sealed(about=about, text="joy.kim@alder-creek.example"),
        organisation="alder-creek-usd",
    )


async def _rows(connection: Connection, stream: str = STREAM) -> list[dict[str, Any]]:
    rows = await connection.fetch(
        "select * from es.events where stream = $1 order by version", stream
    )
    return [dict(row) for row in rows]


async def test_what_was_sealed_is_read_back_and_kept_as_ciphertext(
    app: Connection, vault: Vault
) -> None:
    await put(app, vault, STREAM, 0, [registered()])
    [read] = await read_stream(app, vault, STREAM)
    assert read.event == registered()
    [row] = await _rows(app)
    for text in ("Joy", "joy", "alder-creek.example"):
        assert text not in row["data"].replace(JOY, "")
    assert "alder-creek-usd" in row["data"], "what is not personal stays legible"


class Attested(Sealed):
    """A text about somebody of which more is known."""

    source: str


class Heard(Event):
    type: ClassVar[str] = "heard"
    words: Attested
    others: dict[str, tuple[Attested, ...]]
    alike: dict[str, str]
    """What only looks like such a text."""


async def test_a_text_is_sealed_because_of_what_it_is_whatever_else_is_said_of_it(
    app: Connection, vault: Vault
) -> None:
    told = Attested(about=JOY, text="Joy Kim", source="letter")
    heard = Heard(words=told, others={"d1": (told,)}, alike={"about": "D1", "text": "as agreed"})
    await put(app, vault, STREAM, 0, [heard])
    [row] = await _rows(app)
    assert "Joy Kim" not in row["data"]
    kept = json.loads(row["data"])
    assert kept["alike"] == heard.alike, "nobody is meant by it"
    await vault.open(app, [(f"{STREAM}@1+0", kept)])
    assert Heard.model_validate(kept) == heard


async def test_the_same_text_is_never_sealed_alike(app: Connection, vault: Vault) -> None:
    await put(app, vault, STREAM, 0, [registered(), registered()])
    first, second = await _rows(app)
    boxes = [
        json.loads(row["data"])[key]["sealed"]
        for row in (first, second)
        for key in ("name", "handle", "email")
    ]
    assert len(set(boxes)) == 6


async def test_destroying_a_key_erases_everywhere_and_leaves_the_chain_whole(
    database: Database, app: Connection, vault: Vault
) -> None:
    await put(app, vault, STREAM, 0, [registered()])
    await put(app, vault, "engagement:e", 0, [registered("Joy, in an engagement")])
    await put(app, vault, "person:p-other", 0, [registered("Elena Duarte", "p-other")])
    before = await _rows(app)
    await destroy_key(database.cluster, app, JOY)
    for stream in (STREAM, "engagement:e"):
        [read] = await read_stream(app, vault, stream)
        assert isinstance(read.event, PersonRegistered)
        assert str(read.event.name) == "(erased)"
        assert read.event.email is not None
        assert read.event.email.text is None
        assert read.event.organisation == "alder-creek-usd"
        assert fold(stream, [read]).version == 1
        assert await app.fetch("select * from es.broken_links($1)", stream) == []
    assert await _rows(app) == before
    [spared] = await read_stream(app, vault, "person:p-other")
    assert spared.event == registered("Elena Duarte", "p-other")


async def test_no_key_is_destroyed_but_with_its_event_in_the_same_transaction(
    app: Connection, vault: Vault
) -> None:
    await put(app, vault, STREAM, 0, [registered()])
    await put(app, vault, "person:p-other", 0, [registered("Elena Duarte", "p-other")])
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="without its event"):
        await queries.destroy_key(app, subject=JOY)
    async with app.transaction():
        await put(app, vault, STREAM, 1, [PersonErased(reason="request")])
        assert await queries.destroy_key(app, subject=JOY) is True
        assert await queries.destroy_key(app, subject=JOY) is False
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with app.transaction():
                await queries.destroy_key(app, subject="p-other")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await queries.destroy_key(app, subject=JOY)


async def test_no_new_key_is_made_for_somebody_erased(
    database: Database, app: Connection, vault: Vault
) -> None:
    await put(app, vault, STREAM, 0, [registered()])
    await destroy_key(database.cluster, app, JOY)
    await put(app, vault, STREAM, 1, [registered("Joy Kim again")])
    row = await app.fetchrow("select * from vault.keys where subject = $1", JOY)
    assert row is not None
    assert row["wrapped"] is None
    assert row["destroyed_at"] is not None
    late = (await _rows(app))[1]["data"]
    assert json.loads(late)["name"] == {"about": JOY, "sealed": None}
    [_, read] = await read_stream(app, vault, STREAM)
    assert isinstance(read.event, PersonRegistered)
    assert read.event.name.text is None


class Undone(Exception):
    """What ends the first part of a transaction."""


async def test_a_key_that_was_undone_with_its_part_of_a_transaction_is_made_anew(
    app: Connection, vault: Vault
) -> None:
    async with app.transaction():
        with remembering():
            with suppress(Undone):
                async with app.transaction():
                    await vault.seal(app, "refused", Sealed(about=JOY, text="Joy"))
                    await vault.seal(app, "refused+2", Sealed(about=JOY, text="Kim"))
                    raise Undone
            kept = await vault.seal(app, "kept", Sealed(about=JOY, text="Joy Kim"))

    await vault.open(app, [("kept+0", kept)])
    assert kept["text"] == "Joy Kim"


async def test_a_key_is_asked_for_once_in_a_transaction_and_again_in_the_next(
    app: Connection, vault: Vault
) -> None:
    await vault.seal(app, "before", Sealed(about=JOY, text="Joy"))
    asked: list[str] = []

    def look(query: Any) -> None:
        if "vault.keys" in query.query:
            asked.append(query.query)

    app.add_query_logger(look)
    for times in (1, 2):
        async with app.transaction():
            with remembering():
                for place in ("one", "two"):
                    document = await vault.seal(app, place, Sealed(about=JOY, text="Joy Kim"))
                    await vault.open(app, [(f"{place}+0", document)])
        assert len(asked) == times
    app.remove_query_logger(look)


async def test_two_who_need_a_key_for_the_same_person_at_once_use_one(
    app: Connection, other: Connection, vault: Vault
) -> None:
    first = app.transaction()
    await first.start()
    await put(app, vault, STREAM, 0, [registered("from the first")])
    second = asyncio.create_task(
        put(other, Vault(MASTER_KEY), "engagement:e", 0, [registered("from the second")])
    )
    await asyncio.sleep(0.05)
    assert not second.done(), "the second waits to see whose key it is"
    await first.commit()
    await second
    for stream, name in ((STREAM, "from the first"), ("engagement:e", "from the second")):
        [read] = await read_stream(app, vault, stream)
        assert isinstance(read.event, PersonRegistered)
        assert read.event.name.text == name


@pytest.mark.parametrize(
    "moved",
    [
        pytest.param({"stream": "person:p-forged"}, id="to another stream"),
        pytest.param({"version": 2}, id="to another version"),
    ],
)
async def test_ciphertext_moved_elsewhere_is_detected(
    app: Connection, vault: Vault, moved: dict[str, Any]
) -> None:
    await put(app, vault, STREAM, 0, [registered()])
    [row] = await _rows(app)
    assert len(await decode(app, vault, [row])) == 1
    with pytest.raises(Unreadable, match="tampered with"):
        await decode(app, vault, [row | moved])


async def test_ciphertext_moved_to_another_field_or_person_is_detected(
    app: Connection, vault: Vault
) -> None:
    await put(app, vault, STREAM, 0, [registered()])
    await put(app, vault, "person:p-other", 0, [registered(about="p-other")])
    [row] = await _rows(app)
    data = json.loads(row["data"])
    swapped = data | {"name": data["email"], "email": data["name"]}
    with pytest.raises(Unreadable, match=f"{STREAM}@1.*/name was tampered with"):
        await decode(app, vault, [row | {"data": json.dumps(swapped)}])
    relabelled = data | {"name": data["name"] | {"about": "p-other"}}
    with pytest.raises(Unreadable, match="tampered with"):
        await decode(app, vault, [row | {"data": json.dumps(relabelled)}])


@pytest.mark.parametrize("box", ["", "AAAA", "not base64!", "A" * 80])
async def test_sealed_text_that_is_rubbish_is_called_so(
    app: Connection, vault: Vault, box: str
) -> None:
    await put(app, vault, STREAM, 0, [registered()])
    [row] = await _rows(app)
    data = json.loads(row["data"])
    data["name"]["sealed"] = box
    with pytest.raises(Unreadable, match="tampered with"):
        await decode(app, vault, [row | {"data": json.dumps(data)}])


async def test_another_master_key_is_told_apart_from_tampering(
    app: Connection, vault: Vault, superuser: Connection
) -> None:
    await put(app, vault, STREAM, 0, [registered()])
    wrong = Vault(bytes(32))
    with pytest.raises(ForeignKey) as problem:
        await read_stream(app, wrong, STREAM)
    message = str(problem.value)
    assert JOY in message
    assert vault.master_id in message
    assert wrong.master_id in message
    assert "HANDRAIL_KEY_FILE" in message
    with pytest.raises(ForeignKey, match="HANDRAIL_KEY_FILE"):
        await put(app, wrong, STREAM, 1, [registered()])
    await superuser.execute(
        "update vault.keys set wrapped = set_byte(wrapped, 20, 1 - get_byte(wrapped, 20) % 2)"
    )
    with pytest.raises(Unreadable, match="wrapped key of p-joy was tampered with"):
        await read_stream(app, vault, STREAM)


async def test_a_wrapped_key_moved_to_another_person_is_useless(
    app: Connection, vault: Vault, superuser: Connection
) -> None:
    await put(app, vault, STREAM, 0, [registered()])
    await superuser.execute("update vault.keys set subject = 'p-thief'")
    await put(app, vault, "lea:x", 0, [registered(about="p-third")])
    with pytest.raises(VaultError):
        await put(app, vault, "lea:y", 0, [registered(about="p-thief")])


async def test_the_database_never_sees_a_key_or_a_text(
    pool: Pool, app: Connection, vault: Vault
) -> None:
    await put(app, vault, STREAM, 0, [registered()])
    row = await app.fetchrow("select wrapped from vault.keys where subject = $1", JOY)
    assert row is not None
    assert len(row["wrapped"]) == 12 + 32 + 16, "a nonce, the key encrypted, a tag"
    assert MASTER_KEY not in row["wrapped"]

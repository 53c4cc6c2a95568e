"""Mails, answers, documents and people that cannot be read: each stops itself alone."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import asyncpg
import pytest

from activities.follow import Follower
from activities.mailing.announcing import announce
from activities.mailing.sending import send
from activities.names import ClaimedMail
from domain.checkins.checkins import OpenCheckIn
from domain.policy.playbook import Playbook
from embedded.mailcatcher import mail_catcher
from store.database import Connection, queries
from store.rebuild import rebuild
from store.sick import examine
from tests.activities.test_erasing import NOTHING, _late, letter, person, said
from tests.activities.test_overview_days import MONDAY, TUESDAY, mailed, quiet, risky
from tests.conftest import Database, Office, new_id
from tests.journey import E


@pytest.fixture
async def superuser(office: Office, sandbox_database: Database) -> AsyncIterator[Connection]:
    """A connection that no grant and no trigger holds back."""
    url = sandbox_database.cluster.superuser_url
    admin = await asyncpg.connect(url, database=sandbox_database.name)
    for table in ("es.events", "es.receipts"):
        await admin.execute(f"alter table {table} disable trigger append_only")
    yield admin
    await admin.close()


async def poison(office: Office, stream: str) -> None:
    """Write what a newer release writes and this one does not know."""
    async with office.pool.acquire() as connection:
        version = await connection.fetchval(
            "select max(version) from es.events where stream = $1", stream
        )
        row = await queries.append(
            connection, stream=stream, expected=version, command_id=new_id(),
            types=["moon-landed"], schemas=[1], data=["{}"], effective=[office.clock.at],
            actor="p-x", causation_id=None, sandbox_now=office.clock.at, seals=[bytes(32)],
        )  # fmt: skip
        assert row["status"] == "appended"


async def mend(superuser: Connection) -> None:
    await superuser.execute("delete from es.events where type = 'moon-landed'")


async def look_again(office: Office) -> None:
    """What the follower does every few seconds; nothing here has a workflow to be woken."""
    follower = Follower(office.pool, office.vault, office.clock, NOTHING)
    async with office.pool.acquire() as connection:
        await follower.look_again(connection)


async def noted(office: Office) -> dict[str, str]:
    async with office.pool.acquire() as connection:
        return {row["stream"]: row["problem"] async for row in queries.sick_streams(connection)}


async def test_a_leads_mail_goes_with_what_is_healthy_and_names_what_was_left_out(
    office: Office, playbook: Playbook, superuser: Connection
) -> None:
    await quiet(office, playbook)
    await risky(office)
    await office.do("lea register", id="birch-usd", name="Birch Unified", county="Fresno")
    await office.to_onboarding(playbook, "birch-usd", "birch-usd")
    for engagement in (E, "birch-usd"):
        await office.do(OpenCheckIn(engagement=engagement, on=MONDAY), "marcus")
    await poison(office, "engagement:birch-usd")
    told = await mailed(office, MONDAY)
    assert told is not None
    assert "AT RISK" in told
    healthy, _, left_out = told.partition("COULD NOT BE LOOKED AT")
    assert "Annual check-in" in healthy
    assert "Birch Unified" in left_out
    assert [*await noted(office)] == ["engagement:birch-usd"]
    await mend(superuser)
    await superuser.execute("update ops.mails set outcome = 'sent'")
    following = await mailed(office, TUESDAY)
    assert following is not None
    assert "Birch Unified" in following
    assert "Annual check-in" in following, "what was due there comes once it can be read"


@pytest.mark.parametrize("offered", [False, True])
async def test_a_mail_whose_text_cannot_be_opened_is_made_again_under_its_id(
    office: Office, playbook: Playbook, tmp_path: Path, offered: bool
) -> None:
    hers, _ = await _late(office, playbook)
    async with office.pool.acquire() as connection:
        await connection.execute(
            'update ops.mails set offered = $2, content = content || \'{"sealed": "AAAA"}\''
            " where id = $1",
            hers,
            offered,
        )
        row = await queries.mail(connection, id=hers)
    with mail_catcher(tmp_path / "mail") as catcher:
        mailroom = office.mailroom(catcher.smtp_url)
        await send(mailroom, ClaimedMail(mail=hers))
        await send(mailroom, ClaimedMail(mail=hers))
        [mail] = catcher.messages()
    assert mail["Message-ID"] == row["message_id"]
    assert "Theory of action" in said(mail)
    async with office.pool.acquire() as connection:
        row = await queries.mail(connection, id=hers)
        assert row["outcome"] == "sent"
        assert await examine(connection, office.vault, f"mail:{hers}") is None


async def test_erasing_goes_round_a_mail_that_cannot_be_opened_and_is_completed_after_the_mend(
    office: Office, playbook: Playbook
) -> None:
    _, his = await _late(office, playbook)
    joy = await person(office, "joy")
    async with office.pool.acquire() as connection:
        content = await connection.fetchval("select content from ops.mails where id = $1", his)
        await connection.execute(
            "update ops.mails set content = jsonb_set(content, '{sealed}', '\"AAAA\"')"
            " where id = $1",
            his,
        )
    await office.do("person erase", "dana", person="joy", reason="request of 3 May", sure=True)
    async with office.pool.acquire() as connection:
        unreached = [row["mail"] async for row in queries.unreached_of(connection, person=joy)]
        whole = "".join(str(r) for r in await connection.fetch("select * from ops.unreached"))
    assert unreached == [f"mail:{his}"]
    assert "joy" not in whole.casefold(), "the words that name her are sealed"
    await look_again(office)
    assert "somebody who was erased" in (await noted(office))[f"mail:{his}"]
    async with office.pool.acquire() as connection:
        await connection.execute("update ops.mails set content = $2 where id = $1", his, content)
    await look_again(office)
    found = await letter(office, his)
    assert found is not None
    assert "joy" not in said(found[1]).casefold().replace("enjoy", "")
    assert await noted(office) == {}
    async with office.pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from ops.unreached") == 0


async def test_an_answer_that_cannot_be_opened_is_given_as_far_as_the_log_knows_it(
    office: Office, playbook: Playbook, superuser: Connection
) -> None:
    await office.to_onboarding(playbook)
    given = [
        office.envelope("conversation log", "marcus", engagement=E, group="parents", notes="x"),
        office.envelope("conversation log", "marcus", engagement=E, group="nobody"),
    ]
    first = [await office.record.execute(envelope) for envelope in given]
    assert [r.outcome for r in first] == ["recorded", "refused"]
    about = f"engagement:{E}"
    box = json.dumps({"about": about, "sealed": base64.b64encode(bytes(60)).decode()})
    ids = [e.command_id for e in given]
    for how in (f"jsonb_set(receipt, '{{message}}', to_jsonb('{box}'::text))", "'17'"):
        await superuser.execute(
            f"update es.receipts set receipt = {how} where command_id = any($1)", ids
        )
        again = [await office.record.execute(envelope) for envelope in given]
        assert [r.repeated for r in again] == [True, True]
        assert [r.outcome for r in again] == ["recorded", "refused"]
        assert [r.events for r in again] == [r.events for r in first]
        assert "was answered before, and what it recorded stands" in again[0].message
        assert "and recorded nothing" in again[1].message
    assert len(await noted(office)) == 2


@pytest.mark.parametrize("kind", ["playbook", "calendar"])
async def test_a_document_that_cannot_be_read_refuses_what_rests_on_it_until_a_rebuild(
    office: Office, playbook: Playbook, kind: str
) -> None:
    await office.to_onboarding(playbook)
    async with office.pool.acquire() as connection:
        await connection.execute(
            "update read.documents set content = content - 'title' where kind = $1", kind
        )
    told = office.envelope("conversation log", "marcus", engagement=E, group="parents", notes="x")
    refused = await office.record.execute(told)
    assert (refused.outcome, refused.refusal) == ("refused", "Sick")
    assert f"{kind}:" in refused.message
    assert "handrail admin rebuild" in refused.message
    assert (await office.record.execute(told)).refusal == "Sick"
    assert (await announce(office.mailroom(), f"engagement:{E}")).again_at is None
    async with office.pool.acquire() as connection:
        assert (await rebuild(connection, office.vault)).left == ()
    assert (await office.record.execute(told)).outcome == "recorded"


async def test_the_streams_of_the_program_itself_stop_themselves_alone(
    office: Office, playbook: Playbook, superuser: Connection
) -> None:
    await office.to_onboarding(playbook)
    joy = await person(office, "joy")
    sick = ("program", f"person:{joy}", "playbook:dta-sir", "calendar:california", f"lea:{E}")
    for stream in sick:
        await poison(office, stream)
    for command, more in (
        ("person change", {"person": "joy", "name": "Joy B. Kim"}),
        ("lea change", {"lea": E, "county": "Fresno", "source": "s"}),
    ):
        assert (await office.refused(command, **more)).refusal == "Sick"
    refused = await office.refused(
        "person erase", "dana", person="joy", reason="request", sure=True
    )
    assert f"person:{joy} cannot be read" in refused.message
    await office.do("person register", handle="zoe", name="Zoe", email="z@x.example", at="ACUSD")
    await office.do("person erase", "dana", person="zoe", reason="request", sure=True)
    await office.agreed("Theory of action", date(2026, 9, 25))
    async with office.pool.acquire() as connection:
        done = await rebuild(connection, office.vault)
        assert {one.stream for one in done.left} == set(sick)
        assert await connection.fetchval("select handle from read.people where id = $1", joy)
    await office.do("deliverable submit", engagement=E, deliverable="D1", person="joy",
                    evidence="mail")  # fmt: skip
    await mend(superuser)
    refused = await office.refused("person erase", "dana", person="joy", reason="r", sure=True)
    assert refused.refusal == "WrongState", "she is a contact: that is a rule again"
    async with office.pool.acquire() as connection:
        assert (await rebuild(connection, office.vault)).left == ()


async def test_nobody_gets_another_key_while_theirs_is_missing(
    office: Office, playbook: Playbook, superuser: Connection
) -> None:
    await office.to_onboarding(playbook)
    joy = await person(office, "joy")
    key = await superuser.fetchrow("delete from vault.keys where subject = $1 returning *", joy)
    assert key is not None
    receipt = await office.refused(
        "conversation log", "marcus", engagement=E, group="parents", person="joy", notes="x"
    )
    assert receipt.refusal == "Sick"
    assert f"the key of {joy} is missing, though nobody destroyed it" in receipt.message
    await superuser.execute("insert into vault.keys values ($1, $2, $3, $4, $5)", *key.values())
    await office.do(
        "conversation log", "marcus", engagement=E, group="parents", person="joy", notes="x"
    )

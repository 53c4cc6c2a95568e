"""Money to commit in a Director's mail, beside what engagements have to say that day."""

import base64
import email
import email.policy
import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from activities.mailing.claiming import claim
from activities.names import ClaimedMail, DigestRun
from domain.policy.playbook import Playbook
from domain.reminders.notices import RecordDelivery
from store.database import queries
from store.mails import kept_letter
from store.rebuild import rebuild
from tests.conftest import Office

E = "alder-creek-usd"
UNTIL = date(2027, 1, 29)
"""A Friday; 120 days before it, on Thu 1 Oct 2026, is the first reminder."""


async def person(office: Office, handle: str) -> str:
    async with office.pool.acquire() as connection:
        found: str = await connection.fetchval(
            "select id from read.people where handle = $1", handle
        )
    return found


async def granted(office: Office, playbook: Playbook, **more: Any) -> None:
    """$1,000 under the id of an engagement, on which nothing is due yet."""
    await office.to_onboarding(playbook)
    await office.do("prong opt-out", engagement=E, prong="coaching", reason="by telephone only")
    await office.do(
        "appropriation record", "dana", appropriation=E, amount="1000", source="an act",
        first=date(2026, 7, 1), until=UNTIL, **more,
    )  # fmt: skip


async def claimed(office: Office, on: date) -> ClaimedMail:
    office.clock.move(datetime(on.year, on.month, on.day, 16, tzinfo=UTC))
    return await claim(office.mailroom(), DigestRun(person=await person(office, "dana"), on=on))


async def said(office: Office, mail: UUID) -> tuple[str, list[str]]:
    """The text of a mail, with its calendar files."""
    async with office.pool.acquire() as connection:
        row = await queries.mail(connection, id=mail)
        letter = await kept_letter(connection, office.vault, row)
    assert letter is not None
    message = email.message_from_bytes(
        base64.b64decode(letter["message"]), policy=email.policy.default
    )
    part = message.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split()), [
        str(a.get_content()) for a in message.iter_attachments()
    ]


async def taken(office: Office, mail: UUID) -> None:
    """The mail server took it, and every stream in it learns so."""
    async with office.pool.acquire() as connection:
        row = await queries.mail(connection, id=mail)
        await queries.settle_mail(
            connection, id=mail, outcome="sent", detail="250 OK", at=office.clock.at
        )
        streams = [r["stream"] async for r in queries.streams_in_mail(connection, mail=mail)]
    for stream in streams:
        await office.do(
            RecordDelivery(
                of=stream, mail=mail, message_id=row["message_id"], person=row["person"],
                outcome="sent", detail="250 OK", at=office.clock.at,
            ),
            "system",
        )  # fmt: skip


async def test_an_engagement_and_money_of_the_same_id_are_told_apart_in_one_mail(
    office: Office, playbook: Playbook
) -> None:
    await granted(office, playbook)
    await office.agreed("Theory of action", date(2026, 9, 16))  # ten working days late on 30 Sep
    made = await claimed(office, date(2026, 10, 1))
    assert made.mail is not None
    text, _ = await said(office, made.mail)
    assert "* D1 Theory of action Alder Creek Unified School District" in text
    assert f"* Money to commit Appropriation {E} Due Friday 29 January 2027, in 120 days" in text
    await taken(office, made.mail)
    async with office.pool.acquire() as connection:
        rows = await connection.fetch(
            "select stream, item, step from read.notices join read.deliveries using (stream, n)"
            " where outcome = 'sent' order by 1"
        )
        views = await connection.fetch(
            "select engagement, appropriation, item from reporting.notices where status = 'sent'"
            " order by 1 nulls first"
        )
    assert [tuple(r) for r in rows] == [
        (f"appropriation:{E}", "money/commit", "t-120"),
        (f"engagement:{E}", "D1", "+10"),
    ]
    assert [tuple(r) for r in views] == [(None, E, "money/commit"), (E, None, "D1")]


async def test_a_date_that_fell_away_is_taken_back_in_the_next_mail(
    office: Office, playbook: Playbook
) -> None:
    await granted(office, playbook)
    first = await claimed(office, date(2026, 10, 1))
    assert first.mail is not None
    _, [announced] = await said(office, first.mail)
    await taken(office, first.mail)
    await office.do("investment add", engagement=E, amount="1000", purpose="p", fy="2026-27")
    await office.agreed("Theory of action", date(2026, 10, 5))
    later = await claimed(office, date(2026, 10, 20))
    assert later.mail is not None
    text, [cancelled] = await said(office, later.mail)
    assert (
        f"Money to commit, Appropriation {E}, was due Friday 29 January 2027: all invested." in text
    )
    uid = f"UID:{E}.appropriation.money.commit@collaborative.example"
    assert uid in announced
    assert uid in cancelled
    assert "METHOD:CANCEL" in cancelled


async def test_invented_money_is_said_to_be_illustrative(
    office: Office, playbook: Playbook
) -> None:
    await granted(office, playbook, illustrative=True)
    made = await claimed(office, date(2026, 10, 1))
    assert made.mail is not None
    text, _ = await said(office, made.mail)
    assert "ILLUSTRATIVE. The dates and deliverables in this mail are examples" in text
    assert f"not facts about Appropriation {E}." in text
    async with office.pool.acquire() as connection:
        marks = await connection.fetch(
            "select data from es.events where stream = $1", f"appropriation:{E}"
        )
        live = [
            await connection.fetch(f"select * from read.{table} order by 1, 2, 3")
            for table in ("appropriations", "obligations", "notices", "deliveries")
        ]
        await rebuild(connection, office.vault)
        assert live == [
            await connection.fetch(f"select * from read.{table} order by 1, 2, 3")
            for table in ("appropriations", "obligations", "notices", "deliveries")
        ]
    assert {json.loads(row["data"])["illustrative"] for row in marks} == {True}


async def test_whoever_is_no_director_is_told_nothing_of_money(
    office: Office, playbook: Playbook
) -> None:
    await granted(office, playbook)
    office.clock.move(datetime(2026, 10, 1, 16, tzinfo=UTC))
    for handle in ("tess", "joy"):
        run = DigestRun(person=await person(office, handle), on=date(2026, 10, 1))
        assert (await claim(office.mailroom(), run)).mail is None

"""Erasing somebody takes out what names them, and touches nothing else."""

import asyncio
import base64
import json
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from activities.caught import forget
from activities.erasing import note_names
from activities.mailing.claiming import claim
from activities.names import DigestRun
from activities.sealing import opened, opened_answer, seal
from domain.envelope import Envelope
from domain.policy.playbook import Playbook
from store.context import people
from store.database import queries
from store.events import Conflict
from store.mails import kept_letter
from store.rebuild import rebuild
from tests.conftest import Office, destroy_key, eventually
from tests.journey import E, whole_journey

NOTHING: Any = None


async def person(office: Office, handle: str) -> str:
    async with office.pool.acquire() as connection:
        return str(
            await connection.fetchval("select id from read.people where handle = $1", handle)
        )


async def mail_to(office: Office, who: str, on: date) -> UUID:
    office.clock.move(datetime(on.year, on.month, on.day, 15, 1, tzinfo=UTC))
    claimed = await claim(office.mailroom(), DigestRun(person=who, on=on))
    assert claimed.mail is not None
    return claimed.mail


async def letter(office: Office, mail: UUID) -> tuple[dict[str, str], EmailMessage] | None:
    async with office.pool.acquire() as connection:
        row = await queries.mail(connection, id=mail)
        kept = await kept_letter(connection, office.vault, row)
    if kept is None:
        return None
    message = message_from_bytes(base64.b64decode(kept["message"]), policy=default)
    assert isinstance(message, EmailMessage)
    return kept, message


def said(message: EmailMessage) -> str:
    """All of it: headers and decoded parts."""
    parts = [p.get_content() for p in message.walk() if p.get_content_maintype() == "text"]
    return "\n".join([*map(str, message.values()), *parts])


async def _written(office: Office) -> dict[str, set[tuple[str, str]]]:
    """Every row of the read models and of the mails, with the transaction that wrote it."""
    async with office.pool.acquire() as connection:
        tables = await connection.fetch(
            "select schemaname || '.' || tablename as name from pg_tables"
            " where schemaname = any('{read,ops}')"
        )
        return {
            t["name"]: {
                (row["by"], row["line"])
                for row in await connection.fetch(
                    f"select xmin::text as by, t::text as line from {t['name']} t"
                )
            }
            for t in tables
        }


async def _late(office: Office, playbook: Playbook) -> tuple[UUID, UUID]:
    """A mail to Joy, who owes D1, and one that tells her Lead that she is late with it."""
    await office.to_onboarding(playbook)
    await office.agreed("Theory of action", date(2026, 9, 4))
    joy, marcus = await person(office, "joy"), await person(office, "marcus")
    hers = await mail_to(office, joy, date(2026, 9, 1))
    his = await mail_to(office, marcus, date(2026, 9, 14))
    await office.do("engagement assign", engagement=E, role="lea_contact", person="elena")
    return hers, his


async def test_erasing_takes_the_name_out_of_mails_to_others(
    office: Office, playbook: Playbook
) -> None:
    hers, his = await _late(office, playbook)
    joy = await person(office, "joy")
    before = await letter(office, his)
    assert before is not None
    assert "Joy Kim" in said(before[1])
    office_mail = await letter(office, hers)
    assert office_mail is not None
    assert office_mail[1]["Reply-To"] is not None
    await office.do("person erase", "dana", person="joy", reason="request of 3 May", sure=True)
    assert await letter(office, hers) is None
    after = await letter(office, his)
    assert after is not None
    kept, message = after
    assert kept["recipient"] == "marcus@collaborative.example"
    text = said(message)
    for word in ("joy", "kim", "joy@alder-creek.example"):
        assert word not in text.casefold().replace("enjoy", ""), text
    assert "(erased)" in text
    for header in ("Message-ID", "From", "To", "Date", "Subject"):
        assert message[header] == before[1][header]
    assert [p.get_content_type() for p in message.walk()] == [
        p.get_content_type() for p in before[1].walk()
    ]
    # The Lead's own address stands in the mail to Joy's successor, and goes with the Lead.
    async with office.pool.acquire() as connection:
        assert await connection.fetchval(
            "select count(*) from ops.mail_names where person = $1", joy
        )


async def test_erasing_takes_an_address_to_answer_to_out_of_mails_to_others(
    office: Office, playbook: Playbook
) -> None:
    await office.do("person register", "dana", handle="ruth", name="Ruth, A. O'Hara",
                    email="ruth@collaborative.example", role=["lead"])  # fmt: skip
    hers, _ = await _late(office, playbook)
    await office.do("engagement assign", "dana", engagement=E, role="lead", person="ruth")
    await office.do("person erase", "dana", person="marcus", reason="request of 3 May", sure=True)
    found = await letter(office, hers)
    assert found is not None
    assert found[1]["Reply-To"] is None
    assert "marcus" not in said(found[1]).casefold()
    assert "Joy Kim" in said(found[1]), "it is her mail"


async def test_a_mail_that_is_being_made_is_waited_for(office: Office, playbook: Playbook) -> None:
    _, his = await _late(office, playbook)
    joy = await person(office, "joy")
    async with office.pool.acquire() as connection:
        row = await queries.mail(connection, id=his)
        entries = await people(connection, {joy})
        await connection.execute("delete from ops.mail_names")
        making = connection.transaction()
        await making.start()
        kept = await kept_letter(connection, office.vault, row)
        assert kept is not None
        message = message_from_bytes(base64.b64decode(kept["message"]), policy=default)
        assert isinstance(message, EmailMessage)
        await note_names(connection, his, message, entries)
        erasing = asyncio.create_task(
            office.do("person erase", "dana", person="joy", reason="request of 3 May", sure=True)
        )
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        async with office.pool.acquire() as other:
            await eventually(lambda: other.fetchval(waits))
        await making.commit()
        await erasing
        with pytest.raises(Conflict):
            await note_names(connection, his, message, entries)
    found = await letter(office, his)
    assert found is not None
    assert "Joy" not in said(found[1])


async def test_erasing_writes_nothing_that_does_not_name_them(
    office: Office, playbook: Playbook
) -> None:
    _, his = await _late(office, playbook)
    joy = await person(office, "joy")
    before = await _written(office)
    await office.do("person erase", "dana", person="joy", reason="request of 3 May", sure=True)
    after = await _written(office)
    changed = {table for table, rows in after.items() if rows != before[table]}
    assert changed == {"read.people", "ops.mails"}
    [(_, row)] = after["read.people"] - before["read.people"]
    assert joy in row
    [(_, mail)] = after["ops.mails"] - before["ops.mails"]
    assert str(his) in mail


async def test_what_erasing_leaves_is_what_a_rebuild_makes(
    office: Office, playbook: Playbook
) -> None:
    await whole_journey(office, playbook)
    await office.do("person register", handle="zed", name="Zed Q", email="z@alder-creek.example",
                    at="ACUSD")  # fmt: skip
    await office.do("conversation log", engagement=E, group="parents", person="zed", notes="n")
    await office.do("person erase", "dana", person="zed", reason="request of 3 May", sure=True)

    async def rows() -> dict[str, list[str]]:
        found = await _written(office)
        return {t: sorted(line for _, line in r) for t, r in found.items() if t[:5] == "read."}

    live = await rows()
    async with office.pool.acquire() as connection:
        await rebuild(connection, office.vault)
    assert await rows() == live
    assert "Zed" not in json.dumps(live)


async def _travelling(office: Office, kind: str, actor: str = "tess", **body: Any) -> Envelope:
    """A command as it travels through Temporal."""
    envelope = office.envelope(kind, actor, **body)
    async with office.pool.acquire() as connection:
        return await seal(connection, office.vault, envelope)


async def test_a_command_travels_without_a_word_about_whom_it_names(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    commands: dict[str, dict[str, Any]] = {
        "conversation log": {"engagement": E, "group": "parents", "person": "joy",
                             "notes": "Joy Kim said"},
        "person change": {"person": "@joy", "email": "joy@new.example"},
        "person register": {"handle": "zed", "name": "Zed O'Brien", "email": "zed@new.example"},
        "engagement assign": {"engagement": E, "role": "lea_contact", "person": "joyce"},
        "deliverable propose": {"engagement": E, "title": "Plan of JOY KIM", "due": "2026-09-04"},
    }  # fmt: skip
    for kind, body in commands.items():
        given = office.envelope(kind, **body)
        async with office.pool.acquire() as connection:
            travels = await seal(connection, office.vault, given)
            opened_again = await opened(connection, office.vault, travels)
        assert opened_again == given, kind
        # Ciphertext may spell anything.
        assert travels.body.pop("sealed"), kind
        text = travels.model_dump_json().casefold()
        for word in ("joy", "kim", "zed", "o'brien", "tess", "new.example"):
            assert word not in text, (kind, word)


async def test_a_command_that_came_sealed_is_answered_sealed(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    travels = await _travelling(office, "engagement assign", "dana", engagement=E, role="lead",
                                person="tess")  # fmt: skip
    answer = await office.record.execute(travels)
    assert (answer.outcome, answer.refusal) == ("refused", "WrongPerson")
    async with office.pool.acquire() as connection:
        said_ = await opened_answer(connection, office.vault, answer)
    assert "cannot be lead" in said_.message
    travels = await _travelling(office, "conversation log", "marcus", engagement=E,
                                group="parents", person="joyy")  # fmt: skip
    answer = await office.record.execute(travels)
    sent = json.loads(answer.message)
    assert sent.pop("sealed"), "ciphertext, which may spell anything"
    assert "joy" not in json.dumps(sent).casefold()
    async with office.pool.acquire() as connection:
        opened_ = await opened_answer(connection, office.vault, answer)
        assert "Did you mean joy?" in opened_.message
        await destroy_key(office.cluster, connection, await person(office, "joy"))
        assert (await opened_answer(connection, office.vault, answer)).message == "(erased)"
    assert (await office.record.execute(travels)).repeated


async def test_an_erasing_whose_answer_was_lost_is_answered_again(office: Office) -> None:
    travels = await _travelling(office, "person erase", "dana", person="joy", reason="r", sure=True)
    waiting = await _travelling(office, "person change", "dana", person="joy", name="Joy K")
    first = await office.record.execute(travels)
    assert [told.type for told in first.events] == ["person-erased"]
    again = await office.record.execute(travels)
    assert (again.outcome, again.repeated, again.events) == ("recorded", True, first.events)
    late = await office.record.execute(waiting)
    assert (late.outcome, late.refusal) == ("refused", "NamesTheErased")


def test_the_catcher_keeps_nothing_of_a_mail_that_is_gone(tmp_path: Path) -> None:
    gone, changed, other = (f"<{UUID(int=n)}@c.example>" for n in (1, 2, 3))
    for part in ("tmp", "new", "cur"):
        (tmp_path / part).mkdir()
    files = {
        "new/1": f"X-Envelope-To: z@x.example\r\nMessage-ID: {gone}\r\n\r\nTo Zed",
        "cur/2": f"X-Envelope-To: m@x.example\r\nMessage-ID: {changed}\r\n\r\nZed is late",
        "new/3": f"Message-ID: {other}\r\nReferences: {gone}\r\n\r\nAnother of the thread",
        "new/4": f"Message-ID: <x@mailer>\r\n\r\nNot delivered:\r\n\r\nMessage-ID: {gone}\r\nZed",
        "new/5": "Subject: no id at all\r\n\r\nhello",
    }
    for name, text in files.items():
        (tmp_path / name).write_bytes(text.encode())
    kept = {gone: None, changed: f"Message-ID: {changed}\r\n\r\n(erased) is late".encode()}
    assert forget(tmp_path, kept) == 3
    assert forget(tmp_path, kept) == 0, "done again, it changes nothing"
    left = {str(p.relative_to(tmp_path)): p.read_text("utf-8") for p in tmp_path.glob("*/*")}
    assert sorted(left) == ["cur/2", "new/3", "new/5"]
    assert left["cur/2"].startswith("X-Envelope-To: m@x.example\n")
    assert "(erased) is late" in left["cur/2"]
    assert forget(tmp_path / "nowhere", kept) == 0

"""What another life of a store does not send, because the one before may have sent it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from activities.mailing.claiming import claim
from activities.mailing.sending import send
from activities.names import DigestRun
from activities.record import Record
from bootstrap.holding import Held, begin_again
from domain.policy.playbook import Playbook
from domain.reminders.notices import UNKNOWN_FATE
from embedded.mailcatcher import mail_catcher
from store.database import Connection, queries
from tests.conftest import Office
from tests.journey import E, mail

DUE = date(2026, 9, 25)


async def ledger(office: Office, item: str) -> dict[str, tuple[str, str | None]]:
    rows = await office.pool.fetch(
        "select step, status, reason from read.notices where stream = $1 and item = $2"
        " order by planned_for",
        f"engagement:{E}",
        item,
    )
    return {row["step"]: (row["status"], row["reason"]) for row in rows}


async def another_life(office: Office, record: Record, since_days: int) -> list[Held]:
    now = office.clock.at

    async def anew(connection: Connection) -> list[Held]:
        return await begin_again(
            connection,
            record,
            why="restored",
            practice=False,
            since=now - timedelta(days=since_days),
            now=now,
        )

    return await record.in_transaction(anew)


async def test_what_was_due_meanwhile_is_held_and_listed_and_what_comes_later_goes_out(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    item = await office.agreed("Theory of action", DUE)
    # The backup knows of the first mail, a fortnight before; then days passed that it knows not of.
    office.clock.move(date(2026, 9, 12))
    await mail(office, "joy")
    office.clock.move(date(2026, 9, 23))
    held = await another_life(office, office.record, since_days=8)

    assert [(h.stream, h.item, h.step) for h in held if h.item == item] == [
        (f"engagement:{E}", item, "t-3")
    ]
    told = await ledger(office, item)
    assert told["t-14"][0] == "sent"
    assert told["t-3"] == ("suppressed", UNKNOWN_FATE)
    assert told["due"] == ("planned", None)
    async with office.pool.acquire() as connection:
        epoch = await queries.epoch(connection)
    assert (epoch["why"], epoch["practice"]) == ("restored", False)
    # Neither a look at the plan nor another life brings it back.
    await office.do("notices reconcile", "system", of=f"engagement:{E}")
    assert await another_life(office, office.record, since_days=0) == []
    assert (await ledger(office, item))["t-3"] == ("suppressed", UNKNOWN_FATE)


async def test_a_mail_that_was_under_way_is_handed_to_nobody(
    office: Office, playbook: Playbook, tmp_path: Path
) -> None:
    await office.to_onboarding(playbook)
    item = await office.agreed("Theory of action", DUE)
    office.clock.move(datetime(2026, 9, 11, 15, 1, tzinfo=UTC))
    joy = await office.pool.fetchval("select id from read.people where handle = 'joy'")
    with mail_catcher(tmp_path / "mail") as mails:
        made = await claim(
            office.mailroom(mails.smtp_url), DigestRun(person=joy, on=date(2026, 9, 11))
        )
        assert made.mail is not None
        held = await another_life(office, office.record, since_days=0)
        assert (f"engagement:{E}", item, "t-14") in {(h.stream, h.item, h.step) for h in held}
        assert (await send(office.mailroom(mails.smtp_url), made)).recorded
        assert (await ledger(office, item))["t-14"] == ("suppressed", UNKNOWN_FATE)

        # A copy to practise with makes its mails, and hands none over.
        office.clock.move(datetime(2026, 9, 22, 15, 1, tzinfo=UTC))
        practising = office.mailroom(mails.smtp_url, practice=True)
        made = await claim(practising, DigestRun(person=joy, on=date(2026, 9, 22)))
        assert made.mail is not None
        assert (await send(practising, made)).recorded
        assert mails.messages() == []
    row = await office.pool.fetchrow(
        "select outcome, detail from ops.mails where id = $1", made.mail
    )
    assert row is not None
    assert row["outcome"] == "dropped"
    assert "a copy to practise with" in row["detail"]

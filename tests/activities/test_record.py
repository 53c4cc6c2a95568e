"""Every command is answered once, for ever; all that it writes stands or falls together."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from activities.record import Record
from domain.engagement.engagement import WithdrawEngagement
from domain.envelope import Envelope, Receipt
from domain.policy.playbook import Playbook
from domain.rules.registry import fold
from store.database import open_pool
from store.errors import VaultError
from store.events import read_stream
from store.vault import Vault
from tests.conftest import MASTER_KEY, START, Database, FixedClock, Office, new_id
from tests.journey import mail

E = "alder-creek-usd"
STREAM = f"engagement:{E}"


@dataclass(frozen=True)
class Kept:
    """Everything that a command may leave behind."""

    events: list[tuple[Any, ...]]
    receipts: list[tuple[Any, ...]]
    read: dict[str, list[tuple[Any, ...]]]


async def kept(office: Office) -> Kept:
    async with office.pool.acquire() as connection:

        async def rows(table: str) -> list[tuple[Any, ...]]:
            return [
                tuple(r) for r in await connection.fetch(f"select * from {table} order by 1, 2")
            ]

        tables = await connection.fetch(
            "select schemaname || '.' || tablename as name from pg_tables where schemaname = 'read'"
        )
        return Kept(
            await rows("es.events"),
            await rows("es.receipts"),
            {row["name"]: await rows(row["name"]) for row in tables},
        )


async def opened(office: Office, engagement: str = E, **more: Any) -> Receipt:
    return await office.do(
        "engagement open",
        engagement=engagement,
        lea="ACUSD",
        lead="marcus",
        director="dana",
        **more,
    )


async def test_a_command_is_decided_appended_projected_and_answered_in_one_go(
    office: Office,
) -> None:
    before = await kept(office)
    receipt = await opened(office)
    after = await kept(office)
    assert receipt.outcome == "recorded"
    assert [e.type for e in receipt.events] == ["engagement-opened"]
    assert receipt.version == 1
    assert receipt.is_open
    assert receipt.facets.phase == "recruiting"
    assert len(after.events) == len(before.events) + 1
    assert len(after.receipts) == len(before.receipts) + 1
    assert [row[0] for row in after.read["read.engagements"]] == [E]


@pytest.mark.parametrize(
    ("named", "pinned"),
    [
        ({}, "dta-sir@5"),
        ({"playbook": "dta-sir@3"}, "dta-sir@3"),
        ({"playbook": "dta-sir"}, "dta-sir@5"),
    ],
    ids=["none named", "an older version", "by name alone"],
)
async def test_a_new_engagement_pins_the_newest_version_unless_it_names_another(
    office: Office, playbook: Playbook, named: dict[str, str], pinned: str
) -> None:
    await opened(office, "harbor-before")
    for version in (4, 5):
        newer = playbook.model_copy(update={"version": version})
        await office.do("playbook publish", "dana", content=newer)
    await opened(office, **named)
    async with office.pool.acquire() as connection:
        pins = {
            engagement: (await read_stream(connection, office.vault, f"engagement:{engagement}"))[0]
            for engagement in (E, "harbor-before")
        }
    assert {name: getattr(first.event, "playbook", None) for name, first in pins.items()} == {
        E: pinned,
        "harbor-before": "dta-sir@3",  # it runs on under the version it began with
    }


async def test_a_boards_vote_is_kept_under_the_day_of_its_meeting(
    office: Office, playbook: Playbook
) -> None:
    await opened(office)
    for group in playbook.stakeholder_groups:
        await office.do("conversation log", "marcus", engagement=E, group=group.id)
    await office.do("fit decide", "marcus", engagement=E, proceed=True,
                    criterion={c.id: "yes" for c in playbook.fit_criteria})  # fmt: skip
    await office.do("agreement draft", engagement=E)
    office.clock.move(date(2026, 8, 20))
    for board, meeting in (("lea", date(2026, 8, 18)), ("ccee", date(2026, 8, 11))):
        await office.do("agreement act", engagement=E, board=board, action="approved",
                        meeting=meeting)  # fmt: skip
    async with office.pool.acquire() as connection:
        rows = await connection.fetch(
            "select type, effective_at, recorded_at from es.events where type in"
            " ('board-acted', 'agreement-effective') order by position"
        )
    assert [(r["type"], r["effective_at"].isoformat()) for r in rows] == [
        ("board-acted", "2026-08-18T07:00:00+00:00"),
        ("board-acted", "2026-08-11T07:00:00+00:00"),
        ("agreement-effective", "2026-08-18T07:00:00+00:00"),
    ]
    assert {r["recorded_at"] for r in rows} == {office.clock.at}


async def test_whoever_is_dropped_is_dropped_in_the_read_model_too(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    d1 = await office.agreed("Theory of action", date(2026, 9, 25))
    office.clock.move(date(2026, 10, 3))  # five working days late: contact and Lead are due
    await mail(office, "joy")
    await office.do("deliverable submit", engagement=E, deliverable=d1, person="joy",
                    evidence="letter")  # fmt: skip
    async with office.pool.acquire() as connection:
        rows = await connection.fetch(
            "select p.handle, d.outcome, d.detail from read.deliveries d"
            " join read.people p on p.id = d.person"
            " join read.notices n using (stream, n) where n.step = '+5' order by 1"
        )
    assert [tuple(r)[:2] for r in rows] == [("joy", "sent"), ("marcus", "dropped")]
    assert rows[1]["detail"] == "submitted"


async def test_the_receipt_tells_where_each_event_is_found(office: Office) -> None:
    receipt = await opened(office)
    async with office.pool.acquire() as connection:
        for told in receipt.events:
            row = await connection.fetchrow(
                "select type, position, command_id from es.events where stream=$1 and version=$2",
                told.stream, told.version,
            )  # fmt: skip
            assert row is not None
            assert (row["type"], row["position"], row["command_id"]) == (
                told.type, told.position, receipt.command_id,
            )  # fmt: skip


async def test_the_same_command_again_gets_the_first_answer_and_writes_nothing(
    office: Office,
) -> None:
    envelope = office.envelope(
        "engagement open", engagement=E, lea="ACUSD", lead="marcus", director="dana"
    )
    first = await office.record.execute(envelope)
    before = await kept(office)
    office.clock.move(date(2026, 12, 1))
    again = await office.record.execute(
        envelope.model_copy(update={"issued_at": office.clock.at})  # pressed a second time, later
    )
    assert again == first.model_copy(update={"repeated": True})
    assert await kept(office) == before


async def test_a_refusal_leaves_a_receipt_and_is_answered_again_the_same(office: Office) -> None:
    envelope = office.envelope("engagement close", "dana", engagement=E, reason="done")
    before = await kept(office)
    first = await office.record.execute(envelope)
    assert (first.outcome, first.refusal) == ("refused", "Unknown")
    after = await kept(office)
    assert after.events == before.events
    assert after.read == before.read
    assert len(after.receipts) == len(before.receipts) + 1
    await opened(office)  # now it would not be Unknown any more
    again = await office.record.execute(envelope)
    assert (again.outcome, again.refusal, again.message) == ("refused", "Unknown", first.message)
    assert again.repeated
    assert again.is_open, "what the workflow needs to know is of now, not of then"


async def test_a_command_without_events_leaves_a_receipt_and_is_answered_again_the_same(
    office: Office,
) -> None:
    recess: dict[str, Any] = {
        "lea": "ACUSD", "name": "Winter", "first": date(2026, 12, 21), "last": date(2027, 1, 1),
    }  # fmt: skip
    await office.do("lea recess", **recess)
    before = await kept(office)
    envelope = office.envelope("lea recess", **recess)
    first = await office.record.execute(envelope)
    after = await kept(office)
    assert (first.outcome, first.events) == ("recorded", ())
    assert first.message == "Nothing changed: it is so already."
    assert after.events == before.events
    assert len(after.receipts) == len(before.receipts) + 1
    again = await office.record.execute(envelope)
    assert again == first.model_copy(update={"repeated": True})
    assert (await kept(office)).receipts == after.receipts


@pytest.mark.parametrize("first", ["recorded", "refused"])
async def test_a_command_id_with_other_content_is_refused_and_changes_nothing(
    office: Office, first: str
) -> None:
    if first == "refused":
        await opened(office)
    command_id = new_id()
    body: dict[str, Any] = {"engagement": E, "lea": "ACUSD", "lead": "marcus", "director": "dana"}
    answered = await office.record.execute(
        office.envelope("engagement open", command_id=command_id, **body)
    )
    assert answered.outcome == first
    before = await kept(office)
    for other in (
        office.envelope("engagement open", command_id=command_id, **body, source="referral"),
        office.envelope("engagement open", "dana", command_id=command_id, **body),
        office.envelope("engagement open", command_id=command_id, **body, on=date(2026, 8, 1)),
        office.envelope("engagement open", command_id=command_id, **body, illustrative=True),
        office.envelope("lea recess", command_id=command_id, lea="ACUSD", name="x",
                        first=date(2027, 1, 1), last=date(2027, 1, 2)),
    ):  # fmt: skip
        receipt = await office.record.execute(other)
        assert (receipt.outcome, receipt.refusal) == ("refused", "ReusedCommandId")
        assert str(command_id) in receipt.message
        assert STREAM in receipt.message
    assert await kept(office) == before
    again = await office.record.execute(
        office.envelope("engagement open", command_id=command_id, **body)
    )
    assert again.outcome == first, "the id still stands for the first command"


@pytest.mark.parametrize("outcome", ["refused", "reused", "repeated", "nothing new"])
async def test_whatever_is_answered_the_workflow_keeps_its_timer_and_its_facets(
    office: Office, playbook: Playbook, outcome: str
) -> None:
    """The workflow moves its one timer to where any receipt says: a wrong one loses a reminder."""
    await office.to_onboarding(playbook)
    stale = office.envelope("agreement draft", engagement=E)
    await office.record.execute(stale)
    await office.agreed("Theory of action", date(2026, 9, 25))
    await office.do("person register", "dana", handle="ruth", name="Ruth Abara",
                    email="ruth@collaborative.example", role=["lead"])  # fmt: skip
    standing = await office.do(
        "engagement assign", "dana", engagement=E, role="lead", person="ruth"
    )
    assert standing.next_wake is not None
    assert standing.facets.lead
    assert standing.facets.next_due == date(2026, 9, 7), "the coaching contact, before D1"
    match outcome:
        case "refused":
            receipt = await office.refused("engagement open", engagement=E, lea="ACUSD",
                                           lead="marcus", director="dana")  # fmt: skip
        case "reused":
            receipt = await office.refused("deliverable sign", engagement=E, deliverable="D9",
                                           command_id=stale.command_id)  # fmt: skip
            assert receipt.refusal == "ReusedCommandId"
        case "repeated":
            receipt = await office.record.execute(stale)
            assert receipt.repeated
        case _:
            receipt = await office.do("notices reconcile", "system", of=f"engagement:{E}")
            assert receipt.events == ()
    assert receipt.is_open
    assert receipt.next_wake == standing.next_wake
    assert receipt.facets == standing.facets


async def test_a_command_on_a_stream_that_is_over_lets_the_workflow_end(office: Office) -> None:
    await opened(office)
    await office.do("engagement withdraw", "dana", engagement=E, reason="the LEA withdraws")
    receipt = await office.refused("conversation log", "marcus", engagement=E, group="parents")
    assert not receipt.is_open
    assert receipt.next_wake is None
    assert receipt.facets.phase == "withdrawn"
    assert receipt.facets.next_due is None


@pytest.mark.parametrize("table", ["read.engagements", "read.notices", "read.deliveries"])
async def test_a_failing_projection_leaves_no_event_and_no_receipt(
    office: Office, table: str
) -> None:
    admin = await asyncpg.connect(office.cluster.superuser_url, database=await _name(office))
    before = await kept(office)
    envelope = office.envelope(
        "engagement open", engagement=E, lea="ACUSD", lead="marcus", director="dana"
    )
    _, _, short = table.partition(".")
    await admin.execute(f"alter table {table} rename to {short}_away")
    with pytest.raises(asyncpg.UndefinedTableError):
        await office.record.execute(envelope)
    await admin.execute(f"alter table read.{short}_away rename to {short}")
    assert await kept(office) == before
    receipt = await office.record.execute(envelope)  # as Temporal does: the same, once more
    assert receipt.outcome == "recorded"
    assert not receipt.repeated
    await admin.close()


async def test_a_failing_receipt_leaves_no_event_and_no_row(office: Office) -> None:
    admin = await asyncpg.connect(office.cluster.superuser_url, database=await _name(office))
    before = await kept(office)
    await admin.execute("alter table es.receipts add constraint full_up check (false) not valid")
    with pytest.raises(asyncpg.CheckViolationError):
        await opened(office)
    await admin.execute("alter table es.receipts drop constraint full_up")
    assert await kept(office) == before
    await admin.close()


async def test_events_of_several_streams_stand_or_fall_together(office: Office) -> None:
    """`init` wrote program, person, calendar and playbook with one command."""
    async with office.pool.acquire() as connection:
        rows = await connection.fetch(
            "select stream from es.events where command_id ="
            " (select command_id from es.events where type = 'program-initialised')"
        )
        streams = {row["stream"].partition(":")[0] for row in rows}
    assert streams == {"program", "person", "calendar", "playbook"}


async def test_receipts_are_stamped_by_the_stores_own_clock(office: Office) -> None:
    receipt = await opened(office)
    async with office.pool.acquire() as connection:
        stamps = await connection.fetchrow(
            "select r.recorded_at as answered, e.recorded_at as happened from es.receipts r"
            " join es.events e using (command_id) where r.command_id = $1",
            receipt.command_id,
        )
    assert stamps is not None
    assert stamps["answered"] == stamps["happened"] == office.clock.at


async def test_in_production_not_even_a_receipt_believes_the_workers_clock(
    database: Database,
) -> None:
    pool = await open_pool(database.url)
    record = Record(pool, Vault(MASTER_KEY), FixedClock(datetime(1999, 1, 1, tzinfo=UTC)))
    receipt = await record.execute(
        Envelope.of(
            WithdrawEngagement(engagement=E, reason="never mind"),
            command_id=new_id(),
            actor="tess",
            issued_at=START,
        )
    )
    assert receipt.outcome == "refused"
    async with pool.acquire() as connection:
        age = await connection.fetchval("select clock_timestamp() - recorded_at from es.receipts")
    await pool.close()
    assert timedelta(0) <= age < timedelta(seconds=30)


async def test_a_wrong_master_key_stops_everything_and_writes_nothing(office: Office) -> None:
    await opened(office)
    before = await kept(office)
    stranger = Record(office.pool, Vault(MASTER_KEY[::-1]), FixedClock())
    with pytest.raises(VaultError, match="HANDRAIL_KEY_FILE"):
        await stranger.execute(
            office.envelope("engagement withdraw", "dana", engagement=E, reason="mischief")
        )
    assert await kept(office) == before


async def test_the_event_keeps_who_did_it_when_and_why(office: Office) -> None:
    await opened(office)
    cause = new_id()
    envelope = office.envelope(
        "conversation log", "marcus", engagement=E, group="parents", on=date(2026, 7, 30)
    ).model_copy(update={"causation_id": cause})
    receipt = await office.record.execute(envelope)
    assert receipt.outcome == "recorded", receipt.message
    async with office.pool.acquire() as connection:
        [_, logged] = await read_stream(connection, office.vault, STREAM)
        marcus = await connection.fetchval("select id from read.people where handle = 'marcus'")
        kept_cause = await connection.fetchval(
            "select causation_id from es.events where stream = $1 and version = 2", STREAM
        )
    assert logged.stamp.actor == marcus
    assert logged.stamp.command_id == envelope.command_id
    assert logged.stamp.recorded_at == office.clock.at
    assert logged.stamp.effective_at.isoformat() == "2026-07-30T07:00:00+00:00"
    assert kept_cause == cause
    assert fold(STREAM, [logged]).version == 2


async def test_a_value_of_the_wrong_form_is_refused_with_all_that_is_wrong(office: Office) -> None:
    good = office.envelope("lea recess", lea="ACUSD", name="x",
                           first=date(2027, 1, 4), last=date(2027, 1, 8))  # fmt: skip
    wrong = good.model_copy(update={"body": good.body | {"first": "soon", "last": None}})
    receipt = await office.record.execute(wrong)
    assert (receipt.outcome, receipt.refusal) == ("refused", "Invalid")
    assert "first 'soon'" in receipt.message
    assert "last None" in receipt.message
    turned = good.model_copy(
        update={"body": good.body | {"first": "2027-01-09"}, "command_id": new_id()}
    )
    receipt = await office.record.execute(turned)
    assert receipt.message == (
        "handrail lea recess: the recess ends 2027-01-08, before it begins 2027-01-09. "
        "See handrail lea recess --help."
    )


async def _name(office: Office) -> str:
    async with office.pool.acquire() as connection:
        name: str = await connection.fetchval("select current_database()")
    return name


@pytest.mark.parametrize(
    ("ahead", "outcome"),
    [
        pytest.param(timedelta(days=5 * 365), "refused", id="years ahead"),
        pytest.param(timedelta(minutes=6), "refused", id="beyond the tolerance"),
        pytest.param(timedelta(minutes=4), "recorded", id="within it"),
        pytest.param(timedelta(0), "recorded", id="together"),
        pytest.param(-timedelta(days=3), "recorded", id="having waited for days"),
    ],
)
async def test_a_command_from_a_clock_ahead_of_the_stores_is_refused(
    office: Office, ahead: timedelta, outcome: str
) -> None:
    before = await opened(office)
    issued_at = office.clock.at + ahead
    given = office.envelope("conversation log", engagement=E, group="parents", notes="x")
    receipt = await office.record.execute(given.model_copy(update={"issued_at": issued_at}))
    assert receipt.outcome == outcome
    if outcome == "recorded":
        return
    assert receipt.refusal == "ClocksApart"
    for instant in (issued_at, office.clock.at):
        assert f"{instant:%Y-%m-%d %H:%M}" in receipt.message
    assert "5 minutes" in receipt.message
    assert (await office.do("conversation log", engagement=E, group="students")).version == (
        before.version + 1
    )


async def test_in_production_a_command_is_held_against_the_databases_clock(
    database: Database,
) -> None:
    pool = await open_pool(database.url)
    vault, far = Vault(MASTER_KEY), datetime(2199, 1, 1, tzinfo=UTC)
    given = Envelope.of(
        WithdrawEngagement(engagement=E, reason="never mind"),
        command_id=new_id(),
        actor="tess",
        issued_at=far,
    )
    refused = await Record(pool, vault, FixedClock(far)).execute(given)
    assert refused.refusal == "ClocksApart", "whatever the worker's clock says"
    await pool.close()

"""What changed for many engagements reaches each of them, from the log, once."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError

from activities.follow import Follower, news
from domain.envelope import Envelope, Receipt
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from store.database import listed, queries
from store.events import Checkpoint
from store.liveness import FOLLOWER
from tests.chaos.calls import Calls
from tests.conftest import Office, eventually, new_id
from tests.journey import mail

E = "alder-creek-usd"
DUE = date(2026, 10, 14)


async def _news(office: Office) -> list[tuple[Checkpoint, list[Envelope]]]:
    async with office.pool.acquire() as connection:
        return [entry async for entry in news(connection, office.vault, office.clock)]


async def _keep(office: Office, reached: Checkpoint) -> None:
    async with office.pool.acquire() as connection:
        await queries.put_checkpoint(
            connection, reader=FOLLOWER, xact_id=reached.xact_id, position=reached.position
        )


async def follow(office: Office) -> list[Receipt]:
    """What the follower does, with the record in the place of the workflows."""
    receipts = []
    for reached, envelopes in await _news(office):
        receipts += [await office.record.execute(envelope) for envelope in envelopes]
        await _keep(office, reached)
    return receipts


async def plan(office: Office, item: str = "D1") -> dict[str, list[tuple[date, str, str | None]]]:
    async with office.pool.acquire() as connection:
        rows = await connection.fetch(
            "select step, planned_for, status, reason from read.notices"
            " where item = $1 and stream = $2 order by n", item, f"engagement:{E}",
        )  # fmt: skip
    found: dict[str, list[tuple[date, str, str | None]]] = {}
    for row in rows:
        entry = (row["planned_for"].date(), row["status"], row["reason"])
        found.setdefault(row["step"], []).append(entry)
    return found


async def _agreed(office: Office, playbook: Playbook) -> None:
    await office.to_onboarding(playbook)
    assert await office.agreed("Theory of action", DUE) == "D1"
    await follow(office)


async def _recess(office: Office, **more: Any) -> Receipt:
    return await office.do("lea recess", lea="ACUSD", name="Fall break",
                           first=date(2026, 10, 12), last=date(2026, 10, 16), **more)  # fmt: skip


async def test_a_recess_moves_the_notices_of_the_leas_running_engagement(
    office: Office, playbook: Playbook
) -> None:
    await _agreed(office, playbook)
    before = await plan(office)
    assert before["due"] == [(DUE, "planned", None)]
    told = await _recess(office)
    [receipt] = await follow(office)
    after = await plan(office)
    assert after["t-14"] == before["t-14"], "what the recess does not touch stays"
    moved = {
        step: [(day.day, status) for day, status, _ in entries]
        for step, entries in after.items()
        if step != "t-14"
    }
    assert moved == {
        "t-3": [(9, "suppressed"), (7, "planned")],
        "due": [(14, "suppressed")],  # the first day of work after it is already "+1"
        "+1": [(15, "suppressed"), (19, "planned")],
        "+5": [(21, "suppressed"), (23, "planned")],
        "+10": [(28, "suppressed"), (30, "planned")],
    }
    assert {e.type for e in receipt.events} == {"notices-suppressed", "notices-planned"}
    async with office.pool.acquire() as connection:
        row = await connection.fetchrow(
            "select causation_id, actor from es.events where command_id = $1 limit 1",
            receipt.command_id,
        )
    assert row is not None
    assert row["causation_id"] == told.command_id
    assert row["actor"] == "system"
    assert receipt.next_wake is not None


async def test_dealing_with_the_same_news_again_changes_nothing(
    office: Office, playbook: Playbook
) -> None:
    """A follower that dies before it keeps its checkpoint meets the same news again."""
    await _agreed(office, playbook)
    await _recess(office)
    first = [e for _, envelopes in await _news(office) for e in envelopes]
    office.clock.move(office.clock.at + timedelta(hours=1))
    again = [e for _, envelopes in await _news(office) for e in envelopes]
    assert [e.command_id for e in first] == [e.command_id for e in again]
    [receipt] = [await office.record.execute(e) for e in first]
    plan_then = await plan(office)
    [repeated] = [await office.record.execute(e) for e in again]
    assert repeated == receipt.model_copy(update={"repeated": True})
    assert await plan(office) == plan_then


async def test_what_was_dealt_with_is_not_met_again(office: Office, playbook: Playbook) -> None:
    await _agreed(office, playbook)
    await _recess(office)
    assert len(await follow(office)) == 1
    assert await follow(office) == []


async def test_a_checkpoint_beyond_the_log_hides_no_news(
    office: Office, playbook: Playbook
) -> None:
    """Whoever has the application's password can set it; what comes next must reach everybody."""
    await _agreed(office, playbook)
    await _keep(office, Checkpoint(str(2**62), 1))
    await _recess(office)
    moved = [r for r in await follow(office) if not r.repeated]
    assert [r.stream for r in moved] == [f"engagement:{E}"]
    assert await follow(office) == []


async def test_only_running_engagements_of_that_lea_are_concerned(
    office: Office, playbook: Playbook
) -> None:
    await office.do("lea register", id="elk-grove", name="Elk Grove Elementary")
    for engagement, lea in ((E, "ACUSD"), ("elk-grove", "elk-grove"), (f"{E}-2", "ACUSD")):
        await office.do("engagement open", engagement=engagement, lea=lea, lead="marcus",
                        director="dana")  # fmt: skip
        if engagement == E:
            await office.do("engagement withdraw", "dana", engagement=E, reason="a vacancy")
    await follow(office)
    await _recess(office)
    receipts = await follow(office)
    assert [r.stream for r in receipts] == [f"engagement:{E}-2"]


async def test_an_lea_that_has_withdrawn_is_not_counted_among_those_a_summit_expects(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    await office.do("summit plan", summit="Y2-1", title="Autumn summit", place="Fresno", hours=6,
                    first=date(2027, 10, 14), last=date(2027, 10, 15),
                    registration_due=date(2027, 10, 1))  # fmt: skip
    await office.do("summit invite", summit="Y2-1", engagement=E)
    await office.do("summit register", summit="Y2-1", engagement=E, places={"teacher": 3})

    async def expected() -> tuple[int, int, str]:
        async with office.pool.acquire() as connection:
            [listed_] = await listed(queries.summits(connection))
            [invitation] = await listed(queries.invitations_to(connection, summit="Y2-1"))
        return listed_["expected"], listed_["registered"], invitation["status"]

    assert await expected() == (1, 3, "registered")
    await office.do("engagement withdraw", "dana", engagement=E, reason="a vacancy")
    assert await expected() == (0, 0, "withdrawn")


async def test_a_new_calendar_reaches_every_running_engagement_and_what_it_owes(
    office: Office, playbook: Playbook, calendar: CalendarPack
) -> None:
    await _agreed(office, playbook)
    office.clock.move(date(2026, 10, 8))
    await office.do("deliverable submit", engagement=E, deliverable="D1", person="joy",
                    evidence="mail")  # fmt: skip
    await office.do("lea register", id="elk-grove", name="Elk Grove Elementary")
    await office.do("engagement open", engagement="elk-grove", lea="elk-grove", lead="marcus",
                    director="dana")  # fmt: skip
    assert await _review_due(office) == date(2026, 10, 22)
    await follow(office)
    closure = {"name": "Move to the new office", "first": "2026-10-12", "last": "2026-10-14"}
    closed = CalendarPack.model_validate(
        calendar.model_dump(mode="json")
        | {
            "version": calendar.version + 1,
            "closures": [*calendar.model_dump(mode="json").get("closures", []), closure],
        }
    )
    await office.do("calendar publish", "dana", content=closed)
    receipts = await follow(office)
    assert [r.stream for r in receipts] == [f"engagement:{E}", "engagement:elk-grove"]
    assert await _review_due(office) == date(2026, 10, 27)


async def test_what_is_owed_moves_with_the_calendar_even_where_no_notice_moves(
    office: Office, playbook: Playbook, calendar: CalendarPack
) -> None:
    """Every reminder of the review is past, so nothing is re-planned; the due date moves."""
    await _agreed(office, playbook)
    office.clock.move(date(2026, 10, 8))
    await office.do("deliverable submit", engagement=E, deliverable="D1", person="joy",
                    evidence="mail")  # fmt: skip
    office.clock.move(date(2027, 2, 1))
    await mail(office, "marcus")
    await follow(office)
    pack = calendar.model_dump(mode="json")
    closure = {"name": "Storm, recorded late", "first": "2026-10-19", "last": "2026-10-19"}
    await office.do(
        "calendar publish", "dana",
        content=CalendarPack.model_validate(
            pack | {"version": calendar.version + 1,
                    "closures": [*pack.get("closures", []), closure]}
        ),
    )  # fmt: skip
    [receipt] = await follow(office)
    assert receipt.events == (), "a notice moved: this proves nothing"
    assert await _review_due(office) == date(2026, 10, 23)


async def test_a_page_without_news_still_moves_the_checkpoint(office: Office) -> None:
    entries = await _news(office)
    assert [envelopes for _, envelopes in entries] == [[]]
    await _keep(office, entries[-1][0])
    assert await _news(office) == []
    await office.record.execute(
        office.envelope(
            "lea register", id=f"x-{new_id().hex[:8]}", name="X", type="school_district"
        )
    )
    assert len(await _news(office)) == 1


async def test_events_that_ask_for_nothing_cost_the_store_no_call_each(office: Office) -> None:
    """A page is given up where a call fails: one of too many calls would never be dealt with."""
    for number in range(30):
        await office.do(
            "lea register", id=f"quiet-{number}", name=f"Quiet {number}", type="school_district"
        )
    calls = Calls()
    with calls.installed():
        [(_, envelopes)] = await _news(office)
    assert envelopes == []
    assert calls.counts["store"] < 30


async def _review_due(office: Office) -> date:
    async with office.pool.acquire() as connection:
        due: date = await connection.fetchval(
            "select due from read.obligations where item = 'D1/review'"
        )
    return due


async def test_an_engine_that_hangs_up_does_not_end_the_follower(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that stops cancels the calls it holds, which is no ordinary error of a call."""
    asked = 0

    async def catch_up(_: Any) -> None:
        nonlocal asked
        asked += 1
        raise WorkflowUpdateRPCTimeoutOrCancelledError

    client: Any = None
    follower = Follower(office.pool, office.vault, office.clock, client)
    monkeypatch.setattr(follower, "catch_up", catch_up)
    monkeypatch.setattr("activities.follow._POLL_SECONDS", 0.01)
    following = asyncio.create_task(follower.follow())

    async def twice() -> bool:
        return asked > 1 or following.done()

    await eventually(twice)
    assert not following.done()
    following.cancel()


async def test_who_reads_weekly_from_now_on_moves_when_their_engagements_wake(
    office: Office, playbook: Playbook
) -> None:
    await _agreed(office, playbook)
    await office.do("prong opt-out", "marcus", engagement=E, prong="coaching", reason="A coach.")
    assert (await plan(office))["t-14"] == [(date(2026, 9, 30), "planned", None)]
    await office.do("person change", person="joy", digest="weekly")
    [receipt] = await follow(office)
    assert receipt.stream == f"engagement:{E}"
    assert receipt.next_wake is not None
    assert receipt.next_wake.date() == date(2026, 9, 28), "the Monday of that week"
    await office.do("person change", person="joy", name="Joy B. Kim")
    assert await follow(office) == []

"""Corrections in the store: what was typed is kept, and every list follows."""

from datetime import date, timedelta
from typing import Any

from domain.mending import EntryMended, Mendings
from domain.policy.playbook import Playbook
from domain.rules.registry import fold
from store.database import listed, queries
from store.events import read_stream
from store.rebuild import rebuild
from tests.conftest import Office

E = "alder-creek-usd"
STREAM = f"engagement:{E}"


async def entry(office: Office, kind: str) -> int:
    """The number of the last entry of a type of event."""
    async with office.pool.acquire() as connection:
        history = await read_stream(connection, office.vault, STREAM)
    return [r.stamp.version for r in history if r.event.type == kind][-1]


async def lists(office: Office) -> dict[str, list[dict[str, Any]]]:
    found = {}
    async with office.pool.acquire() as connection:
        for name in ("engagements", "deliverables", "obligations", "notices", "investments"):
            rows = await connection.fetch(f"select * from read.{name} order by 1, 2")
            found[name] = [dict(row) for row in rows]
    return found


async def rebuilt(office: Office) -> dict[str, list[dict[str, Any]]]:
    async with office.pool.acquire() as connection:
        await rebuild(connection, office.vault)
    return await lists(office)


async def test_a_deliverable_that_was_entered_by_mistake_leaves_every_list(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    due = office.clock.at.date() + timedelta(days=60)
    await office.agreed("Theory of action", due)
    await office.do("deliverable propose", "marcus", engagement=E, title="Data", due=due)
    proposed = await entry(office, "deliverable-proposed")

    refused = await office.refused("entry retract", "priya-who", of=STREAM, entry=1, reason="x")
    assert "priya-who" in refused.message
    await office.do("entry retract", "marcus", of=STREAM, entry=proposed, reason="wrong LEA")

    found = await lists(office)
    assert [d["deliverable"] for d in found["deliverables"]] == ["D1"]
    assert {o["item"] for o in found["obligations"]} >= {"D1"}
    assert not any(o["item"].startswith("D2") for o in found["obligations"])
    waiting = [
        n for n in found["notices"] if n["item"].startswith("D2") and n["status"] == "planned"
    ]
    assert waiting == []
    assert found == await rebuilt(office)


async def test_a_vote_is_put_right_by_the_values_that_were_typed(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    acted = await entry(office, "board-acted")

    wrong = await office.refused(
        "entry correct", "dana", of=STREAM, entry=acted, reason="x", values={"meeting": "soon"}
    )
    assert "meeting" in wrong.message
    await office.do(
        "entry correct",
        "dana",
        of=STREAM,
        entry=acted,
        reason="typed 4-1",
        values={"vote": "5-0"},
    )

    # A second correction keeps what the first put right.
    acted_on = {"meeting": office.clock.at.date().isoformat(), "minutes": "page 4"}
    await office.do(
        "entry correct", "dana", of=STREAM, entry=acted, reason="minutes", values=acted_on
    )

    async with office.pool.acquire() as connection:
        history = await read_stream(connection, office.vault, STREAM)
    assert fold(STREAM, history).of(Mendings).by
    assert "5-0" in history[-1].event.sentence()
    assert "4-1" in history[-2].event.sentence()
    assert await lists(office) == await rebuilt(office)


async def test_an_investment_that_is_taken_back_is_counted_nowhere(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    for amount, purpose in (("9000", "Coaching"), ("500", "Books")):
        await office.do(
            "investment add", "dana", engagement=E, amount=amount, purpose=purpose,
            category="consultant", source="ledger of August",
        )  # fmt: skip
    first = await entry(office, "investment-added") - 1

    await office.do("entry retract", "dana", of=STREAM, entry=first, reason="twice")

    async with office.pool.acquire() as connection:
        rows = await listed(queries.engagement_ids(connection))
    assert rows
    found = await lists(office)
    assert [str(i["amount"]) for i in found["investments"]] == ["500.00"]
    assert found == await rebuilt(office)


async def test_money_that_was_taken_back_is_left_in_its_appropriation(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    await office.do(
        "appropriation record", "dana", appropriation="dta-2026", amount="10000",
        first=date(2026, 7, 1), until=date(2027, 6, 30), spend_until=date(2029, 6, 30),
        source="budget act",
    )  # fmt: skip

    async def invested() -> str:
        async with office.pool.acquire() as connection:
            return str(await connection.fetchval("select invested from read.appropriations"))

    await office.do(
        "investment add", "dana", engagement=E, amount="9000", purpose="Coaching",
        appropriation="dta-2026", source="ledger",
    )  # fmt: skip
    first = await entry(office, "investment-added")
    assert await invested() == "9000.00"

    right = {"amount": "900"}
    await office.do("entry correct", "dana", of=STREAM, entry=first, reason="0", values=right)
    assert await invested() == "900.00"
    # Twice as much as there is would not have been taken, and is not now.
    wrong = {"amount": "19000"}
    await office.refused("entry correct", "dana", of=STREAM, entry=first, reason="0", values=wrong)
    await office.do("entry retract", "dana", of=STREAM, entry=first, reason="never")

    assert await invested() == "0.00"
    found = await lists(office)
    assert found["investments"] == []
    assert found == await rebuilt(office)


async def test_a_name_of_an_lea_that_was_taken_back_is_free_again(office: Office) -> None:
    await office.do("lea alias add", lea="ACUSD", alias="Alder")
    async with office.pool.acquire() as connection:
        history = await read_stream(connection, office.vault, "lea:alder-creek-usd")
    last = history[-1].stamp.version

    await office.do("entry retract", of="lea:alder-creek-usd", entry=last, reason="another LEA's")

    await office.do(
        "lea register", id="alder", name="Alder", type="school_district", county="Manzanita"
    )
    async with office.pool.acquire() as connection:
        before = await connection.fetch("select * from read.lea_names order by folded")
        await rebuild(connection, office.vault)
        assert await connection.fetch("select * from read.lea_names order by folded") == before


async def test_what_a_correction_repeats_about_somebody_goes_with_them(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    registered = await office.do(
        "person register", handle="zed", name="Zed Obrien", email="zed@x.example", at="ACUSD"
    )
    who = registered.stream
    await office.do(
        "entry correct", of=who, entry=1, reason="slip", values={"name": "Zedric Obrien"}
    )
    await office.do(
        "conversation log", "marcus", engagement=E, group="parents", person="zed",
        notes="said in confidence",
    )  # fmt: skip
    logged = await entry(office, "conversation-logged")
    await office.do(
        "entry correct", "marcus", of=STREAM, entry=logged, reason="slip",
        values={"group": "students"},
    )  # fmt: skip

    async def told() -> str:
        async with office.pool.acquire() as connection:
            there = await read_stream(connection, office.vault, who)
            here = await read_stream(connection, office.vault, STREAM)
        mends = [r.event for r in (*there, *here) if isinstance(r.event, EntryMended)]
        return "".join(event.model_dump_json() for event in mends)

    before = await told()
    assert "Zedric" in before
    assert "confidence" in before
    await office.do("person erase", "dana", person="zed", reason="request", sure=True)
    after = await told()
    assert "Obrien" not in after
    assert "confidence" not in after
    async with office.pool.acquire() as connection:
        assert not await connection.fetchval(
            "select exists (select from vault.keys where subject like 'person:%')"
        )

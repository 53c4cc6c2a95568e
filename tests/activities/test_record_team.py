"""What turnover leaves in the read models: held items, vacant roles, representatives."""

from datetime import date, timedelta
from typing import Any

from domain.policy.calendar import local_date
from domain.policy.playbook import Playbook
from tests.conftest import Office

DUE = date(2026, 10, 14)
E = "alder-creek-usd"
ZONE = "America/Los_Angeles"


async def _rows(office: Office, query: str) -> list[tuple[Any, ...]]:
    async with office.pool.acquire() as connection:
        return [tuple(row) for row in await connection.fetch(query)]


async def test_a_leader_who_left_leaves_a_vacant_role_and_held_items(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    await office.agreed("Theory of action", DUE)
    told = await office.do("leader leave", engagement=E, person="elena", reason="Elena is ill",
                          last_day=local_date(office.clock.at, "UTC"))  # fmt: skip
    assert told.next_wake is not None
    assert told.facets.next_due != DUE
    [(held,)] = await _rows(office, "select held from read.obligations where item = 'D1'")
    assert held == "held: the superintendent leaves"
    reasons = await _rows(office, "select distinct reason from read.notices where item = 'D1'")
    assert reasons == [("held: the superintendent leaves",)]
    [(risk,)] = await _rows(office, "select risk from read.engagements")
    assert risk == "high"
    query = "select person from read.engagement_roles where role = 'superintendent'"
    assert len(await _rows(office, query)) == 1
    office.clock.move(local_date(office.clock.at, "UTC") + timedelta(days=2))
    await office.do("notices reconcile", "system", of=f"engagement:{E}")
    assert await _rows(office, query) == []
    await office.do("engagement hold", "marcus", engagement=E, reason="Wildfire evacuation")
    live = await _rows(office, "select held_since, risk, next_due, held from read.engagements"
                               " join read.obligations on true order by item, round")  # fmt: skip
    assert live[0][0] == local_date(office.clock.at, "UTC")


async def test_somebody_of_a_county_office_becomes_its_representative(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    await office.do("lea register", id="manzanita-coe", name="Manzanita County Office",
                    type="county_office_of_education")  # fmt: skip
    await office.do("person register", handle="sam", name="Sam Okafor", at="manzanita-coe")
    await office.do("engagement assign", engagement=E, role="county_rep", person="sam")
    no = await office.refused("engagement assign", engagement=E, role="county_rep", person="joy")
    assert "no county office" in no.message
    await office.do("person register", handle="nadia", name="Nadia", external="State University")
    await office.do("team add", engagement=E, person="nadia", as_="university")
    [(where,)] = await _rows(office, "select organisation from read.people where handle = 'nadia'")
    assert where == "external:State University"

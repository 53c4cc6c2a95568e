"""A week is looked over on its first working day or after an outage, and on no other day."""

from datetime import UTC, date, datetime

import pytest

from activities.mailing.claiming import claim
from activities.names import DigestRun
from domain.checkins.checkins import OpenCheckIn
from domain.policy.playbook import Playbook
from tests.activities.test_money_in_mails import E, person, said
from tests.conftest import Office

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 10, n) for n in (5, 6, 7, 8))


async def mailed(
    office: Office, on: date, who: str = "marcus", hour: int = 16, minute: int = 0
) -> str | None:
    """What somebody's mail says that is made at an hour, in UTC, of a day; None where none is."""
    office.clock.move(datetime(on.year, on.month, on.day, hour, minute, tzinfo=UTC))
    made = await claim(office.mailroom(), DigestRun(person=await person(office, who), on=on))
    return (await said(office, made.mail))[0] if made.mail else None


async def quiet(office: Office, playbook: Playbook) -> None:
    """An engagement under way of which there is nothing to say, begun on Mon 28 September."""
    office.clock.move(max(date(2026, 9, 28), office.clock.at.date()))
    await office.to_onboarding(playbook)
    await office.do("prong opt-out", engagement=E, prong="coaching", reason="by telephone only")


async def risky(office: Office) -> None:
    await office.do("risk raise", "marcus", engagement=E, risk="politics", level="high", reason="r")


async def test_a_monday_with_nothing_to_say_is_that_weeks_overview(
    office: Office, playbook: Playbook
) -> None:
    await quiet(office, playbook)
    assert await mailed(office, MONDAY) is None
    office.clock.move(TUESDAY)
    await risky(office)
    assert await mailed(office, THURSDAY) is None
    following = await mailed(office, date(2026, 10, 12))
    assert following is not None
    assert "AT RISK" in following


async def test_the_digest_of_a_tuesday_says_nothing_of_a_week_that_was_looked_over(
    office: Office, playbook: Playbook
) -> None:
    await quiet(office, playbook)
    assert await mailed(office, MONDAY) is None
    await risky(office)
    await office.do(OpenCheckIn(engagement=E, on=TUESDAY), "marcus")
    digest = await mailed(office, TUESDAY)
    assert digest is not None
    assert "Annual check-in" in digest
    assert "AT RISK" not in digest


async def test_after_an_outage_it_goes_on_the_first_day_that_is_left(
    office: Office, playbook: Playbook
) -> None:
    await quiet(office, playbook)
    office.clock.move(TUESDAY)
    await risky(office)
    late = await mailed(office, WEDNESDAY)
    assert late is not None
    assert "AT RISK" in late
    assert await mailed(office, THURSDAY) is None


async def test_a_lead_who_begins_on_a_wednesday_has_the_next_weeks(
    office: Office, playbook: Playbook
) -> None:
    await quiet(office, playbook)
    await office.do(
        "person register", "dana", handle="priya", name="Priya", email="p@x.example", role=["lead"]
    )
    assert await mailed(office, MONDAY) is None
    await risky(office)
    office.clock.move(TUESDAY)
    await office.do("engagement assign", "dana", engagement=E, role="lead", person="priya")
    digest = await mailed(office, WEDNESDAY, "priya")
    assert digest is None or "AT RISK" not in digest
    following = await mailed(office, date(2026, 10, 12), "priya")
    assert following is not None
    assert "AT RISK" in following


async def test_the_first_engagement_of_a_week_is_looked_over_in_the_next(
    office: Office, playbook: Playbook
) -> None:
    office.clock.move(TUESDAY)
    await quiet(office, playbook)
    await risky(office)
    assert await mailed(office, WEDNESDAY) is None
    assert await mailed(office, date(2026, 10, 12)) is not None


async def test_a_mail_before_eight_on_a_monday_has_the_overview(
    office: Office, playbook: Playbook
) -> None:
    await quiet(office, playbook)
    await risky(office)
    early = await mailed(office, MONDAY, hour=14, minute=10)
    assert early is not None
    assert "AT RISK" in early
    assert await mailed(office, TUESDAY) is None


@pytest.mark.parametrize("who", ["marcus", "dana"])
async def test_a_month_is_looked_over_on_its_last_working_day_for_directors_only(
    office: Office, playbook: Playbook, who: str
) -> None:
    await quiet(office, playbook)
    assert await mailed(office, date(2026, 9, 30), "dana") is None
    await risky(office)
    assert await mailed(office, date(2026, 9, 30), "dana", hour=20) is None
    assert await mailed(office, date(2026, 10, 29), "dana") is None
    month = await mailed(office, date(2026, 10, 30), who)
    assert month is not None
    assert ("Your month" in month) == (who == "dana")

"""One engagement that goes through everything there is, for tests that need a rich history."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from domain.checkins.checkins import OpenCheckIn
from domain.policy.playbook import Playbook
from domain.reminders.notices import ClaimNotices, RecordDelivery
from domain.rules.context import SYSTEM
from tests.conftest import Office, new_id

E = "alder-creek-usd"


def local_morning(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 17, tzinfo=UTC)


async def mail(office: Office, handle: str, *, outcome: str = "sent") -> UUID:
    """What a digest does with the engagement: claim what is due for a person, then report it."""
    async with office.pool.acquire() as connection:
        person = await connection.fetchval("select id from read.people where handle = $1", handle)
    mail_id = new_id()
    message_id = f"<{mail_id}@collaborative.example>"
    await office.do(
        ClaimNotices(
            of=f"engagement:{E}", mail=mail_id, message_id=message_id, person=person,
            on=office.clock.at.date(),
        ),
        SYSTEM,
    )  # fmt: skip
    office.clock.move(office.clock.at + timedelta(minutes=1))
    await office.do(
        RecordDelivery.model_validate(
            {
                "of": f"engagement:{E}", "mail": mail_id, "message_id": message_id,
                "person": person, "outcome": outcome, "detail": "250 ok", "at": office.clock.at,
            }
        ),
        SYSTEM,
        command_id=uuid5(mail_id, "delivered"),
    )  # fmt: skip
    return mail_id


async def whole_journey(office: Office, playbook: Playbook) -> None:
    """Two deliverables (late, re-dated, returned, accepted), a check-in, recess, a hand-over."""
    await office.to_onboarding(playbook)
    d1 = await office.agreed("Theory of action", date(2026, 9, 25))
    d2 = await office.agreed("Data protocol", date(2026, 10, 30))
    await office.do("lea recess", lea="Alder Creek", name="Fall break",
                    first=date(2026, 10, 12), last=date(2026, 10, 16))  # fmt: skip
    office.clock.move(date(2026, 9, 12))
    await mail(office, "joy")
    office.clock.move(date(2026, 9, 22))
    await mail(office, "joy", outcome="bounced")
    await office.do("deliverable redate", "marcus", engagement=E, deliverable=d1,
                    due=date(2026, 10, 9), reason="the board met late")  # fmt: skip
    await office.do("deliverable sign", "marcus", engagement=E, deliverable=d1)
    await office.do("deliverable sign", engagement=E, deliverable=d1, person="joy",
                    evidence="mail of 22 September")  # fmt: skip
    office.clock.move(date(2026, 10, 7))
    await mail(office, "joy")
    await office.do("deliverable submit", engagement=E, deliverable=d1, person="joy",
                    evidence="shared folder")  # fmt: skip
    office.clock.move(date(2026, 10, 8))
    await office.do("deliverable return", "marcus", engagement=E, deliverable=d1,
                    due=date(2026, 11, 13), reason="the measures are missing", person="joy",
                    evidence="call of today")  # fmt: skip
    office.clock.move(date(2026, 11, 6))
    await office.do("deliverable submit", engagement=E, deliverable=d1, person="joy",
                    evidence="shared folder")  # fmt: skip
    await office.do("deliverable accept", "marcus", engagement=E, deliverable=d1)
    await office.do("deliverable submit", engagement=E, deliverable=d2, person="elena",
                    evidence="letter")  # fmt: skip
    await office.do("person register", "dana", handle="ruth", name="Ruth Abara",
                    email="ruth@collaborative.example", role=["lead"])  # fmt: skip
    await office.do("engagement assign", "dana", engagement=E, role="lead", person="ruth")
    await office.refused("engagement assign", "dana", engagement=E, role="lead", person="ruth")
    await office.do("person change", "dana", person="joy", name="Joy Kim-Park")
    await office.do("appropriation record", "dana", appropriation="dta-2026", amount="90000",
                    source="an act", first=date(2026, 7, 1), until=date(2029, 6, 30))  # fmt: skip
    await office.do("investment add", engagement=E, amount="24000", fy="2026-27",
                    purpose="special education review", category="consultant")  # fmt: skip
    await office.do("investment correct", engagement=E, investment="INV-1", amount="42000",
                    reason="digits swapped")  # fmt: skip
    office.clock.move(date(2027, 7, 20))
    await office.do(OpenCheckIn(engagement=E, on=date(2027, 8, 12)), "ruth")
    office.clock.move(date(2027, 8, 12))
    await office.do(
        "checkin hold", "ruth", engagement=E, on=date(2027, 8, 12), attended=["elena", "joy"]
    )
    await office.do("checkin close", "ruth", engagement=E,
                    purpose={p.id: f"about {p.id}" for p in playbook.checkins.purposes},
                    commitment=["2027-12-01/joy=a second coach"])  # fmt: skip

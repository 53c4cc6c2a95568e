"""An engagement of some years, as events of the kinds and sizes that real ones have."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from domain.engagement.engagement import EngagementOpened
from domain.kernel.messages import Event
from domain.kernel.sealed import Sealed
from domain.recruitment.recruitment import ConversationLogged
from domain.reminders.notices import (
    ClaimedNotice,
    NoticeRef,
    NoticesClaimed,
    NoticesDelivered,
    NoticesPlanned,
    PlannedNotice,
)

START = datetime(2026, 8, 3, 15, tzinfo=UTC)
_STEPS = ("t-14", "t-3", "due", "+1", "+5", "+10")


def history(stream: str, events: int) -> list[Event]:
    """So many events: an opening, then conversations with sealed notes and reminders in turn."""
    found: list[Event] = [
        EngagementOpened(
            lea="alder-creek-usd",
            lea_name="Alder Creek Unified School District",
            lea_type="school_district",
            county="Manzanita",
            playbook="dta-sir@3",
            lead="p-lead",
            director="p-director",
            lea_contact="p-contact",
        )
    ]
    n = 0
    while len(found) < events:
        found += [_conversation(stream, len(found)), *_reminder_round(n)]
        n += len(_STEPS)
    return found[:events]


def _conversation(stream: str, number: int) -> Event:
    day = START.date() + timedelta(days=number)
    text = f"Conversation {number}: what was said about the schedule of the coaching days. " * 3
    return ConversationLogged(
        group="principals", on=day, notes=Sealed(about=stream, text=text.strip())
    )


def _reminder_round(n: int) -> list[Event]:
    due = date(2026, 9, 25) + timedelta(days=n)
    planned = [
        PlannedNotice(
            n=n + k,
            item=f"D{n}",
            round=1,
            step=step,
            planned_for=START + timedelta(days=n + k),
            due=due,
            to=("lea_contact",),
        )
        for k, step in enumerate(_STEPS, start=1)
    ]
    first = planned[0]
    ref = NoticeRef(
        n=first.n, item=first.item, round=1, step=first.step, planned_for=first.planned_for
    )
    mail, message = UUID(int=n), f"<{UUID(int=n)}@collaborative.example>"
    return [
        NoticesPlanned(notices=tuple(planned)),
        NoticesClaimed(
            mail=mail,
            message_id=message,
            person="p-contact",
            on=due,
            notices=(ClaimedNotice(**ref.model_dump(), recipients=("p-contact",)),),
        ),
        NoticesDelivered(
            mail=mail,
            message_id=message,
            person="p-contact",
            outcome="sent",
            detail="250 2.0.0 OK",
            at=first.planned_for,
            notices=(ref,),
        ),
    ]

"""How much of the offer reaches an LEA, month by month."""

from dataclasses import dataclass
from datetime import date

from domain.coaching.contacts import rules_of
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.refusals import WrongState
from domain.outlook.dosage import Dosage, Month, dosage
from domain.policy.calendar import local_date
from queries.answers import Answer
from queries.seen import around, seen
from queries.source import Source


@dataclass(frozen=True)
class OptedOut(Answer):
    """Since when an LEA leaves a prong out, and why."""

    on: date
    reason: str


@dataclass(frozen=True)
class ProngShown(Answer):
    """In how many months something of a prong reached the LEA."""

    prong: str
    name: str
    months: int
    last_month: date | None
    opted_out: OptedOut | None


@dataclass(frozen=True)
class GapShown(Answer):
    """Days without contact, over the limit."""

    since: date
    until: date
    days: int
    over: int
    open: bool


@dataclass(frozen=True)
class MonthOfDosage(Answer):
    """What of the offer reached an LEA in a month."""

    month: str
    contacts: int
    by_kind: dict[str, int]
    messages: int
    cycle_steps: int
    consultancies: int
    submissions: int
    summits: tuple[str, ...]
    opted_out: tuple[str, ...]


@dataclass(frozen=True)
class DosageShown(Answer):
    """How much of the offer reached an LEA."""

    since: date
    until: date
    limit_days: int
    days_since_contact: int | None
    days_over: int
    gaps: tuple[GapShown, ...]
    months: tuple[MonthOfDosage, ...]
    cycles: dict[str, int]
    prongs: tuple[ProngShown, ...]


async def dosage_of(
    source: Source, engagement: str, known: date | None, true: date | None
) -> tuple[State, Dosage]:
    """How much of the offer reached an LEA, to the day asked for or on which it ended.

    Raises:
        WrongState: Coaching has not begun.
    """
    it = await seen(source, engagement, known, true)
    ended = it.state.of(Engagement).ended_at
    last = min(it.day, local_date(ended, it.zone.key)) if ended else it.day
    found = dosage(it.state, rules_of(it.state, await around(source, it)), last)
    if found is None:
        raise WrongState(
            f"{it.state.id} has no dosage yet: coaching begins once the agreement is effective. "
            f"See where it stands: handrail engagement show {it.state.id}"
        )
    return it.state, found


def dosage_data(found: Dosage) -> DosageShown:
    """The dosage as plain data."""
    return DosageShown(
        since=found.since,
        until=found.until,
        limit_days=found.limit_days,
        days_since_contact=found.days_since_contact,
        days_over=found.days_over,
        gaps=tuple(
            GapShown(since=g.since, until=g.until, days=g.days, over=g.over, open=g.open)
            for g in found.gaps
        ),
        months=tuple(_month(m) for m in found.months),
        cycles={str(stage): n for stage, n in found.cycles.items()},
        prongs=tuple(
            ProngShown(
                prong=p.id,
                name=p.name,
                months=p.months,
                last_month=p.last,
                opted_out=OptedOut(on=p.out.on, reason=p.out.reason) if p.out else None,
            )
            for p in found.prongs
        ),
    )


def _month(month: Month) -> MonthOfDosage:
    return MonthOfDosage(
        month=f"{month.first:%Y-%m}",
        contacts=sum(month.contacts.values()),
        by_kind=dict(month.contacts),
        messages=month.other_contacts,
        cycle_steps=month.cycle_steps,
        consultancies=month.consultancies,
        submissions=month.submissions,
        summits=tuple(month.summits),
        opted_out=tuple(month.out),
    )

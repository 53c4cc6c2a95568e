"""How much of the offer reaches an LEA, month by month, so that a quiet drop-off shows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from domain.coaching.contacts import COACHING, Change, Coaching, coached_since
from domain.coaching.cycles import STAGES, Cycles, Stage
from domain.deliverables.proposing import Deliverables
from domain.kernel.messages import State
from domain.policy.calendar import add_months
from domain.policy.parts import CoachingRules
from domain.summits.attendance import NOBODY, attended_between

SUMMITS = "summits"
INDEPENDENT_WORK = "independent-work"


@dataclass(frozen=True, slots=True)
class Month:
    """What happened in one month."""

    first: date
    contacts: Mapping[str, int]
    """By kind; only kinds that end a gap."""
    other_contacts: int
    """Those of kinds that do not, such as a message."""
    cycle_steps: int
    consultancies: int
    submissions: int
    """Deliverables the LEA handed in."""
    out: tuple[str, ...]
    """The prongs the LEA was out of on any day of the month."""
    summits: tuple[str, ...] = ()
    """The summits of the month, each with how many of the LEA's people came, or nobody."""

    @property
    def reached(self) -> frozenset[str]:
        """The prongs of which something reached the LEA."""
        came = {
            COACHING: bool(self.contacts),
            INDEPENDENT_WORK: bool(self.cycle_steps or self.submissions),
            SUMMITS: any(not s.endswith(NOBODY) for s in self.summits),
        }
        return frozenset(prong for prong, any_ in came.items() if any_)


@dataclass(frozen=True, slots=True)
class Gap:
    """More days without contact than the playbook allows."""

    since: date
    until: date
    days: int
    over: int
    """Days over the limit."""
    open: bool
    """It still lasts."""


@dataclass(frozen=True, slots=True)
class Prong:
    """One part of the offer, and whether the LEA takes it."""

    id: str
    name: str
    out: Change | None
    months: int = 0
    """In how many months something of it reached the LEA."""
    last: date | None = None
    """The first day of the last such month."""


@dataclass(frozen=True, slots=True)
class Dosage:
    """The three-pronged support of one LEA as it was received."""

    since: date
    until: date
    limit_days: int
    months: tuple[Month, ...]
    gaps: tuple[Gap, ...]
    days_since_contact: int | None
    """Days since the last contact or since coaching began; None while it owes none."""
    cycles: Mapping[Stage, int]
    prongs: tuple[Prong, ...]

    @property
    def days_over(self) -> int:
        """All days over the limit."""
        return sum(gap.over for gap in self.gaps)


def dosage(state: State, rules: CoachingRules, until: date) -> Dosage | None:
    """The dosage from the agreement until a day; None before the agreement is effective.

    Args:
        until: Today, or the day on which the engagement ended.
    """
    since = coached_since(state)
    if since is None or until < since:
        return None
    coaching, cycles = state.of(Coaching), state.of(Cycles)
    gaps, waiting = _gaps(coaching, since, until, rules.contact_within_days)
    months = tuple(_months(state, since, until))
    return Dosage(
        since=since,
        until=until,
        limit_days=rules.contact_within_days,
        months=months,
        gaps=tuple(gaps),
        days_since_contact=waiting,
        cycles={stage: sum(c.stage == stage for c in cycles.all.values()) for stage in STAGES},
        prongs=tuple(_prong(p.id, p.name, coaching.out.get(p.id), months) for p in rules.prongs),
    )


def _prong(id_: str, name: str, out: Change | None, months: Iterable[Month]) -> Prong:
    reached = [m.first for m in months if id_ in m.reached]
    return Prong(id_, name, out, len(reached), reached[-1] if reached else None)


def _gaps(coaching: Coaching, since: date, until: date, limit: int) -> tuple[list[Gap], int | None]:
    """Every gap over the limit, and how long the present one lasts."""
    # Of one day's changes the last one entered holds: a slip put right left nothing out.
    changes = {c.on: c for c in coaching.changes if c.prong == COACHING}
    # On one day a contact comes before leaving, and coming back before a contact.
    moments = sorted(
        [
            *((c.on, 1, "contact") for c in coaching.contacts if c.counts),
            *((c.on, 2 if c.out else 0, "out" if c.out else "in") for c in changes.values()),
        ]
    )
    gaps: list[Gap] = []

    def ended(start: date | None, on: date, *, open_: bool = False) -> None:
        days = (on - start).days if start else 0
        if start and days > limit:
            gaps.append(Gap(start, on, days, days - limit, open_))

    start: date | None = since
    out = False
    for moment, _, what in moments:
        if moment > until:
            break
        on = max(moment, since)
        if what == "in":
            out, start = False, on
        else:
            ended(start, on)
            out = out or what == "out"
            start = None if out else on
    ended(start, until, open_=True)
    return gaps, (until - start).days if start else None


def _months(state: State, since: date, until: date) -> Iterable[Month]:
    coaching, cycles = state.of(Coaching), state.of(Cycles)
    steps = [on for cycle in cycles.all.values() for _, on in cycle.steps]
    handed_in = [on for d in state.of(Deliverables).all.values() for on in d.submissions]
    first = since.replace(day=1)
    while first <= until:
        following = add_months(first, 1)

        def within(days: Iterable[date], first: date = first, end: date = following) -> int:
            return sum(first <= on < end for on in days)

        kinds = sorted({c.kind for c in coaching.contacts if c.counts})
        contacts = {
            kind: n
            for kind in kinds
            if (n := within(c.on for c in coaching.contacts if c.kind == kind and c.counts))
        }
        yield Month(
            first=first,
            contacts=contacts,
            other_contacts=within(c.on for c in coaching.contacts if not c.counts),
            cycle_steps=within(steps),
            consultancies=within(c.on for c in cycles.consultancies),
            submissions=within(handed_in),
            out=_out_within(coaching.changes, first, following),
            summits=attended_between(state, first, following),
        )
        first = following


def _out_within(changes: Iterable[Change], first: date, following: date) -> tuple[str, ...]:
    """The prongs that were out on some day of a month."""
    found: dict[str, None] = {}
    out: dict[str, bool] = {}
    by_prong: dict[str, list[Change]] = {}
    for change in changes:
        by_prong.setdefault(change.prong, []).append(change)
    for prong, of_prong in by_prong.items():
        for change in sorted(of_prong, key=lambda c: c.on):
            if change.on >= following:
                break
            if change.on >= first and (change.out or (out.get(prong) and change.on > first)):
                found[prong] = None
            out[prong] = change.out
        if out.get(prong):
            found[prong] = None
    return tuple(found)

"""Holds: reminders rest for a while, everything stays visible, and nothing is late meanwhile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from domain.deliverables.proposing import Deliverables
from domain.kernel.bounds import Day
from domain.kernel.fields import Line
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State, next_name
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.coming import Coming, comes_true
from domain.owing.items import hanging, root
from domain.owing.obligations import Holding, Obligation, holds, obligations, owes
from domain.policy.calendar import at_local, spoken
from domain.review.review import Review
from domain.rules.context import Context
from domain.rules.days import not_in_the_future, within_reach
from domain.rules.registry import decides, evolves

Cause = Literal["asked", "turnover"]
PASSED = "its date passed on hold"
"""Why nobody is reminded of what fell due while it was held, until another date is agreed."""
_HELD = "held: "
"""Before the number of a hold, in the reason that events keep of a reminder that rests."""


class HoldEngagement(EngagementCommand):
    """Put what the LEA owes on hold: it stays visible, nobody is reminded, nothing is late.

    What the agency itself owes goes on, and so does the clock of a board's agenda, unless it is
    named with --item.
    """

    noun = "engagement"
    verb = "hold"

    reason: Line
    """Why, for example "wildfire evacuation"."""
    until: Day | None = None
    """The day from which reminders run again by themselves; until resumed if left out."""
    item: tuple[Line, ...] = ()
    """Only this item, for example D1; once for each. Everything the LEA owes if left out."""


class ResumeEngagement(EngagementCommand):
    """Lift a hold: reminders run again from here on, and what fell due meanwhile needs a date."""

    noun = "engagement"
    verb = "resume"

    item: tuple[Line, ...] = ()
    """Only this item, for example D1; once for each. Every hold if left out."""


class Passed(BaseModel):
    """An item whose date passed while it was held."""

    model_config = ConfigDict(frozen=True)

    item: str
    round: int
    due: date


class HoldPlaced(Event):
    type: ClassVar[str] = "hold-placed"
    hold: str
    on: date
    reason: Sealed
    cause: Cause = "asked"
    items: tuple[str, ...] = ()
    """The items held; empty for everything the LEA owes."""
    until: date | None = None

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        what = ", ".join(self.items) or "Everything the LEA owes"
        until = f" until {spoken(self.until)}" if self.until else ""
        held = "are" if len(self.items) > 1 else "is"
        why = full(self.reason)
        return f"{self.hold}: {what} {held} on hold from {spoken(self.on)}{until}: {why}"


class HoldLifted(Event):
    type: ClassVar[str] = "hold-lifted"
    hold: str
    on: date
    items: tuple[str, ...] = ()
    """The items that go on; empty for the whole hold."""
    passed: tuple[Passed, ...] = ()
    """What fell due meanwhile: it is not late, and needs a new date."""

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        what = f"{', '.join(self.items)} off hold" if self.items else "lifted"
        # What hangs on an item gets its date with it.
        items = {p.item for p in self.passed}
        own = [p for p in self.passed if root(p.item) not in items - {p.item}]
        passed = ", ".join(f"{p.item} (was due {spoken(p.due)})" for p in own)
        new = f" A new date is to be agreed for {passed}." if passed else ""
        return f"{self.hold}: {what} from {spoken(self.on)}.{new}"


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold."""

    id: str
    on: date = date.min
    reason: str = ""
    cause: Cause = "asked"
    items: tuple[str, ...] = ()
    until: date | None = None
    released: frozenset[str] = frozenset()
    """The items that went on before the rest."""
    lifted: date | None = None


@dataclass(frozen=True, slots=True)
class Holds:
    """Every hold, and what fell due during one and has no new date yet."""

    all: Mapping[str, Hold] = field(default_factory=dict)
    passed: Mapping[tuple[str, int], date] = field(default_factory=dict)

    @property
    def open(self) -> tuple[Hold, ...]:
        """The holds that last, oldest first."""
        return tuple(h for h in self.all.values() if h.lifted is None)

    @property
    def whole(self) -> Hold | None:
        """The hold of everything the LEA owes, where one lasts."""
        return next((h for h in self.open if not h.items), None)


def told(text: str | None, state: State) -> str | None:
    """Why a reminder rests, with the hold's reason in place of its number.

    The reason may speak of people, so no event but the hold's own repeats it.
    """
    if text is None or not text.startswith(_HELD):
        return text
    hold = state.of(Holds).all.get(text.removeprefix(_HELD))
    return f"{_HELD}{hold.reason}" if hold else text


def _is_held(hold: Hold, owed: Obligation, state: State, context: Context) -> bool:
    """Whether a hold covers an obligation, while it lasts."""
    of = root(owed.item)
    if {owed.item, of} & hold.released:
        return False
    if owed.item in hold.items:
        return True
    if hold.items and of not in hold.items:
        return False
    # Law sets the date of an alarm, such as the posting of a board's agenda.
    alarm = owed.policy is not None and context.the_playbook.policy(owed.policy).any_hour
    # What the agency does before a deliverable is due waits with it; its answer to one that was
    # handed in does not, even where it is owed by the very same day.
    d = state.of(Deliverables).all.get(of)
    waits = d is not None and d.status == "agreed" and owed.due is not None and owed.due == d.due
    return (owed.side == "lea" and not alarm) or waits


def _holding(owed: Obligation, state: State, context: Context) -> Hold | None:
    """The hold that covers an obligation now."""
    return next((h for h in state.of(Holds).open if _is_held(h, owed, state, context)), None)


@holds
def held_by_holds(state: State, context: Context) -> Holding | None:
    """Why each obligation is held: by a hold that lasts, or because it fell due during one."""
    found = state.of(Holds)
    if not found.open and not found.passed:
        return None

    def why(owed: Obligation) -> str | None:
        if hold := _holding(owed, state, context):
            return f"{_HELD}{hold.id}"
        return PASSED if (owed.item, owed.round) in found.passed else None

    return why


def placed(
    reason: str,
    state: State,
    context: Context,
    *,
    cause: Cause = "asked",
    items: tuple[str, ...] = (),
    until: date | None = None,
) -> HoldPlaced:
    """The next hold."""
    return HoldPlaced(
        hold=next_name(state, "H", state.of(Holds).all),
        on=context.effective_on,
        reason=Sealed(about=state.stream, text=reason),
        cause=cause,
        items=items,
        until=until,
    )


def lifting(
    hold: Hold,
    on: date,
    before: date,
    state: State,
    context: Context,
    items: tuple[str, ...] = (),
) -> HoldLifted:
    """The end of a hold, or of a part of it, with what fell due meanwhile.

    Args:
        on: The day from which it is lifted.
        before: What was due from the hold's day up to this one fell due meanwhile.
        items: The items that go on; empty for the whole hold.
    """
    going = replace(hold, items=items) if items else hold
    return HoldLifted(
        hold=hold.id,
        on=on,
        items=items,
        passed=tuple(
            Passed(item=o.item, round=o.round, due=o.due)
            for o in sorted(obligations(state, context), key=lambda o: (o.item, o.round))
            if o.settled is None
            and o.due is not None
            # A signature is asked for again by its own next reminder, or by other terms.
            and o.signs is None
            and hold.on <= o.due < before
            and _is_held(going, o, state, context)
        ),
    )


def _items_named(names: Iterable[str], state: State, context: Context) -> tuple[str, ...]:
    """The items named, as they are spelled.

    Raises:
        Unknown: One is not owed.
    """
    owed = [o.item for o in obligations(state, context) if o.settled is None]
    known = {name.casefold(): name for i in owed for name in (root(i), i)}
    for name in names:
        if name.casefold() not in known:
            raise Unknown(
                f"{state.id} owes nothing called {name!r}. {did_you_mean(name, owed)}Name what "
                f"is owed: {', '.join(dict.fromkeys(owed)) or 'nothing'}. "
                f"See it: handrail due --engagement {state.id}"
            )
    return tuple(dict.fromkeys(known[name.casefold()] for name in names))


@decides(HoldEngagement)
def hold_engagement(command: HoldEngagement, state: State, context: Context) -> Decision:
    not_in_the_future(context.effective_on, "The hold", context)
    if command.until is not None:
        if command.until <= context.said_on:
            raise ImpossibleDate(
                f"{state.id}: a hold until {spoken(command.until)} would be over: that is not "
                f"after {context.said_when}. Give a day that lies ahead, or leave out --until."
            )
        within_reach(command.until, "The end of the hold", context)
    items = _items_named(command.item, state, context)
    whole = state.of(Holds).whole
    if whole and not items:
        raise AlreadyExists(
            f"{state.id} is on hold since {spoken(whole.on)} ({whole.id}: {whole.reason}). To "
            f"hold it until another day, lift that first: handrail engagement resume {state.id}"
        )
    owed = [o for o in obligations(state, context) if not o.settled and o.item in items]
    for o in owed:
        if by := _holding(o, state, context):
            raise AlreadyExists(
                f"{state.id}: {o.item} is on hold already ({_HELD}{by.reason}). To let it go "
                f"on: handrail engagement resume {state.id} --item {o.item}"
            )
    return [placed(command.reason, state, context, items=items, until=command.until)]


@evolves(HoldPlaced)
def hold_placed(state: State, event: HoldPlaced, stamp: Stamp) -> State:
    known = state.of(Holds)
    hold = replace(
        known.all.get(event.hold, Hold(event.hold)),
        on=event.on,
        reason=str(event.reason),
        cause=event.cause,
        items=event.items,
        until=event.until,
    )
    return state.put(replace(known, all={**known.all, event.hold: hold}))


@decides(ResumeEngagement)
def resume_engagement(command: ResumeEngagement, state: State, context: Context) -> Decision:
    not_in_the_future(context.effective_on, "The end of the hold", context)
    open_ = state.of(Holds).open
    if not open_:
        raise WrongState(
            f"{state.id} is not on hold. To hold it: "
            f"handrail engagement hold {state.id} --reason REASON"
        )
    on, today = context.effective_on, context.today
    if not command.item:
        asked = [h for h in open_ if h.cause == "asked"]
        if not asked:
            waiting = [i for h in open_ for i in h.items if i not in h.released]
            raise WrongState(
                f"{state.id}: what is on hold ({', '.join(waiting)}) waits for the new leader's "
                f"recommitment, which lifts the hold: handrail recommitment record {state.id} "
                f"--for PERSON --evidence REFERENCE. To let one item go on before: "
                f"handrail engagement resume {state.id} --item {waiting[0]}"
            )
        for hold in asked:
            _not_before(hold, on, state)
        return [lifting(hold, on, today, state, context) for hold in asked]
    items = _items_named(command.item, state, context)
    owed = [o for o in obligations(state, context) if not o.settled]
    going: dict[str, list[str]] = {}
    for item in items:
        of = [o for o in owed if item in (o.item, root(o.item))]
        by = [h for h in open_ if any(_is_held(h, o, state, context) for o in of)]
        if not by:
            raise WrongState(
                f"{state.id}: {item} is not on hold. See what is: "
                f"handrail due --engagement {state.id}"
            )
        for hold in by:
            _not_before(hold, on, state)
            going.setdefault(hold.id, []).append(item)
    return [
        lifting(hold, on, today, state, context, tuple(going[hold.id]))
        for hold in open_
        if hold.id in going
    ]


def _not_before(hold: Hold, on: date, state: State) -> None:
    if on < hold.on:
        raise ImpossibleDate(
            f"{state.id}: the hold {hold.id} began on {spoken(hold.on)} and cannot be lifted from "
            f"{spoken(on)}. Give a later day: --on DATE"
        )


@evolves(HoldLifted)
def hold_lifted(state: State, event: HoldLifted, stamp: Stamp) -> State:
    known = state.of(Holds)
    hold = known.all.get(event.hold, Hold(event.hold))
    released = hold.released | set(event.items)
    over = not event.items or (bool(hold.items) and set(hold.items) <= released)
    hold = replace(hold, released=released, lifted=event.on if over else hold.lifted)
    passed = {(p.item, p.round): p.due for p in event.passed}
    return state.put(
        replace(known, all={**known.all, event.hold: hold}, passed={**known.passed, **passed})
    )


@comes_true
def holds_end(state: State, context: Context) -> Iterable[Coming]:
    """A hold until a day is lifted as that day begins."""
    for hold in state.of(Holds).open:
        if hold.until is not None:
            lifted = lifting(hold, hold.until, hold.until, state, context)
            yield Coming(at_local(hold.until, time(0), context.zone), lifted)


@owes
def new_dates_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The Lead agrees on another date for what fell due on hold; nobody is reminded of that."""
    deliverables, waves = state.of(Deliverables).all, state.of(Review).waves
    for (item, round_), due in state.of(Holds).passed.items():
        if (d := deliverables.get(item)) and d.status == "agreed" and d.round == round_:
            title, command = d.title, "deliverable redate"
        elif (w := waves.get(item)) and w.status == "agreed" and w.round == round_:
            title, command = w.title, "sir wave redate"
        else:
            continue
        yield Obligation(
            hanging(item, "new-date"),
            f"New date for {title}, due {spoken(due)} on hold",
            round_,
            None,
            "lead",
            "agency",
            "Agree on a new date with the LEA.",
            f"handrail {command} {state.id} {item} --due DATE --reason REASON",
            None,
        )

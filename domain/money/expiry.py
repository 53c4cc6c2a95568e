"""Money that must be committed in time: owed until none is left, it expires, or it may lapse."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from domain.engagement.state import EngagementRole
from domain.kernel.fields import Line, Option, PersonRef, Positional
from domain.kernel.messages import Decision, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import dollars, full
from domain.money.appropriations import (
    Appropriation,
    AppropriationCommand,
    the_appropriation,
)
from domain.owing.coming import Coming, comes_true_on
from domain.owing.matter import Matter, is_a_matter
from domain.owing.obligations import Obligation, owes_on
from domain.policy.calendar import at_local, local_date, spoken
from domain.reminders.bounces import confirmed
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves
from domain.streams import AGENCY

COMMIT = "money/commit"
"""What is owed of an appropriation while money of it is left."""

ALL_INVESTED = "all invested"
EXPIRED = "expired"
LET_LAPSE = "let lapse"
MOVED = "re-dated"
"""Why nobody is reminded of an appropriation's earlier last day."""


class LetLapse(AppropriationCommand):
    """Say that what is left of an appropriation may lapse: nobody is reminded of it any more."""

    noun = "appropriation"
    verb = "lapse"
    ends = True

    reason: Line
    """Why, for example "the program ends"."""


class ResumeCommitting(AppropriationCommand):
    """Say that what was to lapse is to be committed after all: reminders go again."""

    noun = "appropriation"
    verb = "resume"

    reason: Line
    """Why."""


class ConfirmDirectorsAddress(AppropriationCommand):
    """Say that the mail address of somebody who is told of money is right although mail came back.

    A new address needs no such word: `handrail person change` settles it by itself.
    """

    noun = "appropriation"
    verb = "confirm-address"

    person: Annotated[PersonRef, Positional()]
    """Whose address it is."""
    note: Annotated[Line, Option("basis")]
    """How you know, for example "the mailbox was full and is not any more"."""


class AppropriationExpired(Event):
    """Its last day to commit is over, and some of it was never invested."""

    type: ClassVar[str] = "appropriation-expired"
    appropriation: str
    round: int
    """Counts the last days that it has had, from 1."""
    until: date
    left: Decimal
    currency: Literal["USD"] = "USD"

    def sentence(self) -> str:
        return (
            f"Appropriation {self.appropriation} expired: {dollars(self.left)} of it was not "
            f"invested by {spoken(self.until)}."
        )


class AppropriationLetLapse(Event):
    type: ClassVar[str] = "appropriation-let-lapse"
    appropriation: str
    round: int
    left: Decimal
    """What is left and may lapse: more than that is to be committed again."""
    currency: Literal["USD"] = "USD"
    reason: Sealed

    def sentence(self) -> str:
        return (
            f"{dollars(self.left)} of appropriation {self.appropriation} may lapse: "
            f"{full(self.reason)}"
        )


class AppropriationResumed(Event):
    type: ClassVar[str] = "appropriation-resumed"
    appropriation: str
    reason: Sealed

    def sentence(self) -> str:
        return (
            f"What is left of appropriation {self.appropriation} is to be committed after all: "
            f"{full(self.reason)}"
        )


@dataclass(frozen=True, slots=True)
class Expiry:
    """What became of an appropriation's last days."""

    expired: frozenset[int] = frozenset()
    """The rounds whose last day is over."""
    let_go: AppropriationLetLapse | None = None


def over(state: State) -> str | None:
    """Why nothing of an appropriation need be committed any more; None while something must."""
    money, known = state.of(Appropriation), state.of(Expiry)
    if money.left <= 0:
        return ALL_INVESTED
    if money.round in known.expired:
        return EXPIRED
    gone = known.let_go
    return LET_LAPSE if gone and gone.round == money.round and money.left <= gone.left else None


@is_a_matter("appropriation")
def money_as_a_matter(state: State, context: Context) -> Matter:
    """Every Director is reminded of it; the assistants stand in where no mail reaches one."""
    money = state.of(Appropriation)
    return Matter(
        begun=money.terms is not None,
        ended=over(state),
        holders={role: _staff(role, context) for role in ("director", "assistant")},
        title=f"Appropriation {state.id}",
        illustrative=money.illustrative,
        keeps_its_playbook=False,
    )


def _staff(role: EngagementRole, context: Context) -> tuple[str, ...]:
    today = local_date(context.now, context.zone)
    return tuple(
        sorted(
            {
                entry.id
                for entry in context.people.values()
                if role in entry.staff_roles
                and entry.organisation == AGENCY
                and not entry.has_left(today)
            }
        )
    )


@owes_on("appropriation")
def money_owed(state: State, context: Context) -> Iterable[Obligation]:
    """Whatever is left must be committed by the last day; another last day is another round."""
    money, rules = state.of(Appropriation), context.the_playbook.appropriations
    assert money.terms is not None
    lapse = f"handrail appropriation lapse {state.id} --reason REASON"
    for round_, until in enumerate(money.ends, start=1):
        yield Obligation(
            COMMIT,
            "Money to commit",
            round_,
            until,
            "director",
            "agency",
            f"Commit the {dollars(money.left)} that is left of {dollars(money.terms.amount)}, or "
            f"say that it may lapse: {lapse}",
            f"handrail appropriation show {state.id}",
            rules.policy if rules else None,
            settled=over(state) if round_ == money.round else MOVED,
            others=f"See that a Director commits the {dollars(money.left)} that is left, or says "
            f"that it may lapse.",
        )


@comes_true_on("appropriation")
def money_expires(state: State, context: Context) -> Iterable[Coming]:
    """The day after the last one, what is left can be committed no more."""
    money = state.of(Appropriation)
    until = money.ends[-1]
    yield Coming(
        at_local(until + timedelta(days=1), time(0), context.zone),
        AppropriationExpired(
            appropriation=state.id, round=money.round, until=until, left=money.left
        ),
    )


@evolves(AppropriationExpired)
def appropriation_expired(state: State, event: AppropriationExpired, stamp: Stamp) -> State:
    known = state.of(Expiry)
    return state.put(replace(known, expired=known.expired | {event.round}))


def _see(state: State) -> str:
    return f"See it: handrail appropriation show {state.id}"


def _another_day(state: State) -> str:
    return (
        f"Where that day is wrong: handrail appropriation correct {state.id} --last DATE "
        f"--reason REASON"
    )


@decides(LetLapse)
def let_lapse(command: LetLapse, state: State, context: Context) -> Decision:
    money = the_appropriation(state, context)
    not_in_the_future(context.effective_on, "The decision", context)
    why = over(state)
    if why == LET_LAPSE:
        raise AlreadyExists(
            f"{dollars(money.left)} of {state.id} may lapse already. To be reminded of it again: "
            f"handrail appropriation resume {state.id} --reason REASON"
        )
    if why == EXPIRED:
        raise WrongState(
            f"{state.id} could be committed until {spoken(money.ends[-1])}, and what was left has "
            f"expired. {_another_day(state)}"
        )
    if why is not None:
        raise WrongState(
            f"Nothing is left of {state.id}: {dollars(money.invested)} is invested, so nothing can "
            f"lapse. {_see(state)}"
        )
    return [
        AppropriationLetLapse(
            appropriation=state.id,
            round=money.round,
            left=money.left,
            reason=Sealed(about=state.stream, text=command.reason),
        )
    ]


@evolves(AppropriationLetLapse)
def appropriation_let_lapse(state: State, event: AppropriationLetLapse, stamp: Stamp) -> State:
    return state.put(replace(state.of(Expiry), let_go=event))


@decides(ConfirmDirectorsAddress)
def confirm_directors_address(
    command: ConfirmDirectorsAddress, state: State, context: Context
) -> Decision:
    the_appropriation(state, context)
    return confirmed(command.person, command.note, state, context)


@decides(ResumeCommitting)
def resume_committing(command: ResumeCommitting, state: State, context: Context) -> Decision:
    money = the_appropriation(state, context)
    not_in_the_future(context.effective_on, "The decision", context)
    if over(state) != LET_LAPSE:
        raise WrongState(
            f"Nobody has said that what is left of {state.id} may lapse, so there is nothing to "
            f"resume. {_see(state)}"
        )
    if context.today > money.ends[-1]:
        raise WrongState(
            f"{state.id} could be committed until {spoken(money.ends[-1])}, and what was left has "
            f"lapsed. {_another_day(state)}"
        )
    return [
        AppropriationResumed(
            appropriation=state.id, reason=Sealed(about=state.stream, text=command.reason)
        )
    ]


@evolves(AppropriationResumed)
def appropriation_resumed(state: State, event: AppropriationResumed, stamp: Stamp) -> State:
    return state.put(replace(state.of(Expiry), let_go=None))

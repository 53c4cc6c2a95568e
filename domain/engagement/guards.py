"""What a rule about an engagement asks before anything else."""

from collections.abc import Callable

from domain.engagement.state import Engagement, EngagementRole, StepWaived
from domain.kernel.fields import option_name
from domain.kernel.messages import Command, EngagementCommand, Event, State
from domain.kernel.refusals import (
    ImpossibleDate,
    Incomplete,
    TightStep,
    Unknown,
    WrongPerson,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.policy.calendar import local_date, spoken
from domain.rules.authority import require
from domain.rules.context import Context, PersonEntry
from domain.rules.days import not_in_the_future
from domain.streams import AGENCY


def held_to_authority(command: Command, state: State, context: Context) -> None:
    """Hold a command to who may give it.

    Raises:
        WrongPerson: The acting person may not.
    """
    roles = state.of(Engagement).roles
    if command.internal or (isinstance(command, EngagementCommand) and not roles):
        return
    require(
        f"give `handrail {command.kind()}`{f' on {state.id}' if state.version else ''}",
        command.kind(),
        context,
        lead=roles.get("lead"),
        director=roles.get("director"),
    )


def held_to_stated(command: Command, context: Context) -> None:
    """Hold a command to what has to be said of it: no fact comes of a verb that was only typed.

    Raises:
        Incomplete: Something was left out.
    """
    said = {name for name in command.model_fields_set if getattr(command, name) not in (None, ())}
    if context.day_said:
        said.add("on")
    fields = type(command).model_fields
    if missing := sorted(command.stated - said):
        options = [f"--{option_name(n, fields[n]) if n in fields else n}" for n in missing]
        raise Incomplete(
            f"`handrail {command.kind()}` needs {', '.join(options)}: nothing is recorded that "
            f"nobody stated."
        )


def held_to_declared(command: Command, state: State, context: Context) -> None:
    """Hold a command to what it declares of its engagement, then of its day.

    Raises:
        Refused: The engagement does not stand as the command needs it, or the day lies ahead.
    """
    if isinstance(command, EngagementCommand) and command.needs != "nothing":
        over = state.of(Engagement).ended_at is not None
        if not (over and command.needs == "open or over"):
            running(state, context, even_before=command.needs == "open now")
    if command.happened is not None:
        not_in_the_future(context.effective_on, command.happened, context)


def running(state: State, context: Context, *, even_before: bool = False) -> Engagement:
    """The engagement, provided that it is open.

    Args:
        even_before: What is recorded may have come true before the opening, as conversations do.

    Raises:
        Unknown: It was never opened.
        WrongState: It is over.
        ImpossibleDate: What is recorded is dated before the opening.
    """
    engagement = state.of(Engagement)
    if engagement.phase is None:
        raise Unknown(
            f"There is no engagement {state.id!r}. {did_you_mean(state.id, context.engagements)}"
            f"See them all: handrail engagement list"
        )
    if engagement.ended_at is not None:
        ended = local_date(engagement.ended_at, context.zone)
        raise WrongState(
            f"{state.id} is {engagement.phase} since {spoken(ended)} "
            f"({engagement.end_reason}), so this cannot be recorded on it. To work with the LEA "
            f"again, open a new engagement: handrail engagement open {engagement.lea}"
        )
    assert engagement.opened_at is not None
    opened = local_date(engagement.opened_at, context.zone)
    if not even_before and context.effective_on < opened:
        raise ImpossibleDate(
            f"{state.id} was opened on {spoken(opened)}, so nothing but a conversation can be "
            f"dated {spoken(context.effective_on)}. Correct --on."
        )
    return engagement


def of_the_lea(ref: str, engagement: Engagement, context: Context) -> PersonEntry:
    """A person who works for the engagement's LEA.

    Raises:
        Unknown: Nobody is called that.
        WrongPerson: They work elsewhere.
    """
    person = context.person(ref)
    if person.organisation != engagement.lea:
        where = "the agency" if person.organisation == AGENCY else person.organisation
        raise WrongPerson(
            f"{person.id} works at {where}, not at {engagement.lea_name}, and cannot act for "
            f"it. Name somebody of the LEA: handrail person list --organisation {engagement.lea}"
        )
    if person.left_on is not None and person.has_left(context.effective_on):
        raise WrongPerson(
            f"{person.id} is no longer at {engagement.lea_name} from {spoken(person.left_on)} on. "
            f"Name somebody else (handrail person list --organisation {engagement.lea}), or give "
            f"the day on which it happened: --on DATE"
        )
    return person


def of_a_county_office(ref: str, context: Context) -> PersonEntry:
    """A person who works for a county office of education.

    Raises:
        Unknown: Nobody is called that.
        WrongPerson: They work elsewhere.
    """
    person = context.person(ref)
    office = context.leas.get(person.organisation)
    if office is None or office.type != "county_office_of_education":
        where = "the agency" if person.organisation == AGENCY else person.organisation
        raise WrongPerson(
            f"{person.id} works at {where}, which is no county office of education, and cannot "
            f"represent one. Name somebody of a county office: handrail person list "
            f"--organisation OFFICE"
        )
    return person


def require_step(
    step_id: str, done: bool, missing: str, waiver: str | None, state: State, context: Context
) -> list[Event]:
    """Hold to a tight step of the playbook, or waive it.

    Args:
        step_id: The step as the playbook calls it; a step it does not have, or has as a loose
            one, never blocks.
        done: Whether the step is done.
        missing: What is missing, for the message.
        waiver: The reason for waiving, where one was given.

    Raises:
        TightStep: It is tight, not done and not waived.
        WrongPerson: It may be waived, but not by the acting person.
    """
    step = context.the_playbook.step(step_id)
    engagement = state.of(Engagement)
    if step_id in engagement.waived or step_id in engagement.spared:
        return []
    if done or step is None or not step.tight:
        return []
    if waiver is None:
        can = (
            f"or a {step.waiver} waives it with a reason: --waive REASON"
            if step.waiver
            else "it cannot be waived"
        )
        raise TightStep(
            f"{state.id}: {missing}. In {context.the_playbook.ref} the step "
            f"{step.name!r} is tight: do it first, {can}."
        )
    if step.waiver is None or step.waiver not in context.actor.staff_roles:
        raise WrongPerson(
            f"{context.actor.id} may not waive {step.name!r}: in {context.the_playbook.ref} "
            f"{f'only a {step.waiver} may' if step.waiver else 'nobody may'}. Ask a "
            f"{step.waiver or 'Director'} to run this command."
        )
    reason = Sealed(about=state.stream, text=waiver)
    return [StepWaived(step=step_id, reason=reason, authority=context.actor.id)]


BEFORE_ASSIGNING: list[Callable[[EngagementRole, str, State, Context], None]] = []


def before_assigning(
    check: Callable[[EngagementRole, str, State, Context], None],
) -> Callable[[EngagementRole, str, State, Context], None]:
    """Register what a change of role must wait for.

    The check gets the role and whoever holds it now; it refuses or returns nothing.
    """
    BEFORE_ASSIGNING.append(check)
    return check


def evidence_for(person: str | None, evidence: str | None, what: str) -> None:
    """What somebody without an account did is recorded with both its doer and its evidence.

    Raises:
        Incomplete: One is given without the other.
    """
    if person is not None and evidence is None:
        raise Incomplete(
            f"{what} for {person} needs its evidence: add --evidence REFERENCE, for example "
            f'"mail of 9 March".'
        )
    if evidence is not None and person is None:
        raise Incomplete(f"{what} with evidence {evidence!r} needs its person: add --for PERSON.")

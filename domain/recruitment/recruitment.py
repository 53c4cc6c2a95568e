"""Recruitment: conversations with every stakeholder group, then the decision whether it fits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, ClassVar, Literal

from domain.engagement.guards import require_step
from domain.engagement.state import Engagement, moved_to
from domain.kernel.fields import Line, Option, PersonRef, Positional, Prose
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, Incomplete, Unknown, WrongState, did_you_mean
from domain.kernel.sealed import Sealed
from domain.policy.calendar import spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.named import the_named
from domain.rules.registry import decides, evolves

about_noun("conversation", "Log conversations with the stakeholder groups.")
about_noun("fit", "Decide whether an engagement fits.")

Answer = Literal["yes", "partly", "no"]


class LogConversation(EngagementCommand):
    """Log a conversation with one of the stakeholder groups."""

    noun = "conversation"
    verb = "log"
    needs = "open now"

    group: Annotated[Line, Positional()]
    """The stakeholder group, for example superintendent or parents."""
    person: Annotated[PersonRef | None, Option("with")] = None
    """Whom you spoke to, if they are in the directory."""
    notes: Annotated[Prose | None, Option("note")] = None
    """What was said; kept encrypted."""


class DecideFit(EngagementCommand):
    """Decide whether the engagement fits: proceed to agreements, or not."""

    noun = "fit"
    verb = "decide"

    proceed: bool
    """--proceed to go on to the agreements, --no-proceed to stop here."""
    criterion: Annotated[Mapping[str, Answer], Option("answer")] = {}
    """An answer for each criterion, as NAME=yes, NAME=partly or NAME=no."""
    waive: Line | None = None
    """A Director's reason for going on although a tight step is not done."""


class ConversationLogged(Event):
    type: ClassVar[str] = "conversation-logged"
    group: str
    on: date
    person: str | None = None
    notes: Sealed | None = None

    def sentence(self) -> str:
        return (
            f"Conversation with {self.group} on {spoken(self.on)}"
            + (f", {self.person}" if self.person else "")
            + (f": {self.notes}" if self.notes else ".")
        )


class FitDecided(Event):
    type: ClassVar[str] = "fit-decided"
    proceed: bool
    criteria: Mapping[str, Answer]
    covered: tuple[str, ...]

    def sentence(self) -> str:
        return (
            "Fit decided: "
            + ("proceed" if self.proceed else "do not proceed")
            + " ("
            + ", ".join(f"{k} {v}" for k, v in self.criteria.items())
            + ")."
        )


@dataclass(frozen=True, slots=True)
class Recruitment:
    """Who was spoken to, and what was decided."""

    covered: Mapping[str, date] = field(default_factory=dict)
    """Each group with the day of its first conversation."""
    conversations: int = 0
    told: frozenset[tuple[str, date, str | None, str]] = frozenset()
    """Group, day, person and notes of each, to know one that is logged twice."""
    decided: FitDecided | None = None


@decides(LogConversation)
def log_conversation(command: LogConversation, state: State, context: Context) -> Decision:
    playbook = context.the_playbook
    no = f"is not a stakeholder group of {playbook.ref}"
    group = the_named(command.group, playbook.stakeholder_groups, no, "The groups:").id
    not_in_the_future(context.effective_on, "The conversation", context)
    person = context.person(command.person) if command.person else None
    about = person.id if person else state.stream
    on, who = context.effective_on, person.id if person else None
    if (group, on, who, command.notes or "") in state.of(Recruitment).told:
        raise AlreadyExists(
            f"{state.id}: a conversation with {group} on {spoken(on)}"
            f"{f', {who}' if who else ''} is logged so already. If there were two, say with whom "
            f"or what was said: --with PERSON --note TEXT"
        )
    return [
        ConversationLogged(
            group=group,
            on=on,
            person=who,
            notes=Sealed(about=about, text=command.notes) if command.notes else None,
        )
    ]


@evolves(ConversationLogged)
def conversation_logged(state: State, event: ConversationLogged, stamp: Stamp) -> State:
    slice_ = state.of(Recruitment)
    first = min(event.on, slice_.covered.get(event.group, event.on))
    return state.put(
        replace(
            slice_,
            covered={**slice_.covered, event.group: first},
            conversations=slice_.conversations + 1,
            told=slice_.told
            | {(event.group, event.on, event.person, str(event.notes) if event.notes else "")},
        )
    )


@decides(DecideFit)
def decide_fit(command: DecideFit, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    slice_ = state.of(Recruitment)
    if engagement.phase != "recruiting":
        decided = slice_.decided
        raise WrongState(
            f"{state.id} is {engagement.phase}: fit was decided already"
            f"{' (proceed)' if decided and decided.proceed else ''}. To stop now: "
            f"handrail engagement withdraw {state.id} --reason REASON"
        )
    not_in_the_future(context.effective_on, "The decision", context)
    playbook = context.the_playbook
    known = [c.id for c in playbook.fit_criteria]
    for name in command.criterion:
        if name not in known:
            raise Unknown(
                f"{name!r} is not a fit criterion of {playbook.ref}. "
                f"{did_you_mean(name, known)}The criteria: {', '.join(known)}."
            )
    open_ = [name for name in known if name not in command.criterion]
    if open_:
        raise Incomplete(
            f"{state.id}: fit cannot be decided while {', '.join(open_)} is unanswered. Answer "
            f"each: {' '.join(f'--answer {name}=yes' for name in open_)} (or partly, or no)."
        )
    waivers: list[Event] = []
    if command.proceed:
        missing = [g.id for g in playbook.stakeholder_groups if g.id not in slice_.covered]
        total = len(playbook.stakeholder_groups)
        waivers = require_step(
            "conversations",
            not missing,
            f"{total - len(missing)} of {total} stakeholder groups were spoken to; "
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing "
            f"(handrail conversation log {state.id} {missing[0] if missing else ''})",
            command.waive,
            state,
            context,
        )
        unmet = [name for name in known if command.criterion[name] == "no"]
        waivers += require_step(
            "fit",
            not unmet,
            f"the answer to {', '.join(unmet)} is no",
            command.waive,
            state,
            context,
        )
    return [
        *waivers,
        FitDecided(
            proceed=command.proceed,
            criteria=dict(command.criterion),
            covered=tuple(sorted(slice_.covered)),
        ),
    ]


@evolves(FitDecided)
def fit_decided(state: State, event: FitDecided, stamp: Stamp) -> State:
    state = state.put(replace(state.of(Recruitment), decided=event))
    return moved_to(state, "agreeing") if event.proceed else state


def coverage(state: State, context: Context) -> list[tuple[str, str, str | None]]:
    """Every stakeholder group: id, name, and the day it was first spoken to, as people write it."""
    covered = state.of(Recruitment).covered
    return [
        (g.id, g.name, spoken(covered[g.id]) if g.id in covered else None)
        for g in context.the_playbook.stakeholder_groups
    ]

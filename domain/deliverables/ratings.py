"""Ratings: what a deliverable shows, as each side sees it; a difference is something to talk of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from domain.deliverables.coauthoring import SIDES, proposer, sealed
from domain.deliverables.proposing import DeliverableCommand, found
from domain.engagement.state import Engagement
from domain.kernel.fields import Line, Option, PersonRef, Prose
from domain.kernel.messages import Decision, Event, Stamp, State
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Unknown,
    WrongPerson,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.owing.obligations import Side
from domain.policy.calendar import spoken
from domain.policy.parts import CoauthoringRules
from domain.rules.context import Context
from domain.rules.registry import decides, evolves

TAGS = ("focus", "progress", "impact")
"""In the order in which they are asked; a store may give them back in another."""


class RateDeliverable(DeliverableCommand):
    """Rate what was submitted: with --for the LEA does, else the Lead or the Director."""

    noun = "deliverable"
    verb = "rate"

    focus: Line | None = None
    """Whether it shows focus, on the scale of the playbook, for example yes."""
    progress: Line | None = None
    """Whether it shows progress, for example partly."""
    impact: Line | None = None
    """Whether it shows impact, for example too-early."""
    note: Annotated[Prose | None, Option("basis")] = None
    """What the rating rests on; kept encrypted."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA rated it; leave it out when you rate for the agency."""
    evidence: Line | None = None
    """Where the LEA's rating is written down."""


class DeliverableRated(Event):
    type: ClassVar[str] = "deliverable-rated"
    deliverable: str
    side: Side
    person: str
    submission: int
    """Which submission was rated, counted from 1."""
    tags: Mapping[str, str]
    note: Sealed | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        tags = ", ".join(f"{t} {self.tags[t].replace('-', ' ')}" for t in TAGS if t in self.tags)
        note = f" – {self.note}".rstrip(".") if self.note else ""
        return f"{self.deliverable} rated for {SIDES[self.side]} by {self.person}: {tags}{note}."


@dataclass(frozen=True, slots=True)
class Rating:
    """What one side said last, tag by tag."""

    tags: Mapping[str, str] = field(default_factory=dict)
    person: str = ""
    submission: int = 0
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Ratings:
    """By deliverable and side; the earlier ones stay in the history."""

    all: Mapping[tuple[str, Side], Rating] = field(default_factory=dict)

    def of(self, deliverable: str) -> dict[Side, Rating]:
        """What each side said of a deliverable; nothing of a side that has not rated it."""
        sides: tuple[Side, Side] = ("agency", "lea")
        return {s: self.all[deliverable, s] for s in sides if (deliverable, s) in self.all}

    def differences(self, deliverable: str) -> list[str]:
        """The tags that both sides rated, and not alike."""
        both = self.of(deliverable)
        if len(both) < 2:
            return []
        mine, theirs = both["agency"].tags, both["lea"].tags
        return [t for t in TAGS if t in mine and t in theirs and mine[t] != theirs[t]]


def rules_of(state: State, context: Context) -> CoauthoringRules:
    """What the pinned playbook says about co-authored deliverables.

    Raises:
        WrongState: It says nothing.
    """
    rules = context.the_playbook.coauthoring
    if rules is None:
        raise WrongState(
            f"{state.id}: its playbook {context.the_playbook.ref} says nothing about rating and "
            f"reusing deliverables, so it cannot be recorded. See which versions there are: "
            f"handrail playbook list"
        )
    return rules


@decides(RateDeliverable)
def rate(command: RateDeliverable, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    rules = rules_of(state, context)
    deliverable = found(command, state)
    person = proposer(command.person, command.evidence, "The rating", state, context)
    if not deliverable.submissions:
        raise WrongState(
            f"{state.id}: {deliverable.id} {deliverable.title!r} is {deliverable.status}, and a "
            f"rating is about what was submitted. Record that first: handrail deliverable submit "
            f"{state.id} {deliverable.id} --for PERSON --evidence REFERENCE"
        )
    if context.effective_on < deliverable.submissions[-1]:
        raise ImpossibleDate(
            f"{state.id}: {deliverable.id} cannot have been rated on "
            f"{spoken(context.effective_on)}: it was submitted on "
            f"{spoken(deliverable.submissions[-1])}. Give the day of the rating."
        )
    if person is None:
        _of_the_agency(deliverable.id, state, engagement, context)
    tags = _tags(command, rules, state)
    side: Side = "lea" if person else "agency"
    before = state.of(Ratings).all.get((deliverable.id, side), Rating())
    submission = len(deliverable.submissions)
    note = Sealed(about=(person or context.actor).id, text=command.note) if command.note else None
    if (
        before.submission == submission
        and all(before.tags.get(tag) == answer for tag, answer in tags.items())
        and command.note in (None, before.note)
    ):
        raise AlreadyExists(
            f"{state.id}: {deliverable.id} is rated so for {SIDES[side]} already, by "
            f"{before.person}. Nothing more is needed."
        )
    return [
        DeliverableRated(
            deliverable=deliverable.id,
            side=side,
            person=(person or context.actor).id,
            submission=submission,
            tags=tags,
            note=note,
            evidence=sealed(person, command.evidence),
        )
    ]


def _of_the_agency(
    deliverable: str, state: State, engagement: Engagement, context: Context
) -> None:
    if context.actor.id not in (engagement.roles["lead"], engagement.roles["director"]):
        raise WrongPerson(
            f"{state.id}: {context.actor.id} may not rate {deliverable} for the agency: its Lead "
            f"{engagement.roles['lead']} or its Director {engagement.roles['director']} does. For "
            f"the LEA's rating, name who it was: --for PERSON --evidence REFERENCE"
        )


def _tags(command: RateDeliverable, rules: CoauthoringRules, state: State) -> dict[str, str]:
    known = {t.id for t in rules.tags}
    given = {t: v for t in TAGS if (v := getattr(command, t))}
    if unknown := sorted(set(given) - known):
        raise Unknown(
            f"{state.id}: its playbook does not ask for {unknown[0]}; it asks for "
            f"{', '.join(t.id for t in rules.tags)}. Leave --{unknown[0]} out."
        )
    if not given:
        options = " or ".join(f"--{t.id}" for t in rules.tags)
        raise Incomplete(f"{state.id}: the rating says nothing. Give {options}, or all of them.")
    scale = [s.id for s in rules.scale]
    answers = {tag: answer.lower().replace(" ", "-") for tag, answer in given.items()}
    for tag, answer in answers.items():
        if answer not in scale:
            raise Unknown(
                f"{state.id}: --{tag} {given[tag]!r} is not on the scale. "
                f"{did_you_mean(answer, scale)}Give one of {', '.join(scale)}."
            )
    return answers


@evolves(DeliverableRated)
def rated(state: State, event: DeliverableRated, stamp: Stamp) -> State:
    ratings = state.of(Ratings)
    key = (event.deliverable, event.side)
    before = ratings.all.get(key, Rating())
    same = before.submission == event.submission
    rating = Rating(
        tags={**before.tags, **event.tags} if same else dict(event.tags),
        person=event.person,
        submission=event.submission,
        note=str(event.note) if event.note else (before.note if same else None),
    )
    return state.put(Ratings({**ratings.all, key: rating}))

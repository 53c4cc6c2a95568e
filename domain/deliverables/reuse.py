"""Reuse: what else a deliverable satisfies, what it was done for already, and what it feeds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from domain.deliverables.coauthoring import proposer, sealed
from domain.deliverables.proposing import DeliverableCommand, found
from domain.deliverables.ratings import rules_of
from domain.deliverables.terms import Deliverable
from domain.engagement.guards import running
from domain.focus.focus import Focus
from domain.kernel.fields import Line, Option, PersonRef, Ref
from domain.kernel.messages import Decision, Event, Stamp, State
from domain.kernel.refusals import (
    AlreadyExists,
    Incomplete,
    Invalid,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves


class Satisfies(DeliverableCommand):
    """Say what else a deliverable satisfies, so that the LEA does the work once."""

    noun = "deliverable"
    verb = "satisfies"

    plan: Line
    """A kind of the playbook, for example lcap."""
    reference: Line
    """Where in it, for example "LCAP 2026-27, goal 2"."""
    already_done: bool = False
    """The LEA did the work for that already, and it is reused here."""
    no_longer: bool = False
    """Take back that it satisfies this."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA said so, if it came from there."""
    evidence: Line | None = None
    """Where that is written down."""


class FeedDeliverable(DeliverableCommand):
    """Say which root cause a deliverable answers or which summit it feeds."""

    noun = "deliverable"
    verb = "feed"

    cause: Line | None = None
    """A root cause of the LEA, for example RC1."""
    summit: Annotated[Line | None, Ref("summit")] = None
    """The summit for which it is made, for example Y2-5."""
    no_longer: bool = False
    """Take the link back."""


class ReuseLinked(Event):
    type: ClassVar[str] = "reuse-linked"
    deliverable: str
    what: str
    reference: str
    already_done: bool = False
    said_by: str | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        how = "was done already for" if self.already_done else "also satisfies"
        by = f", says {self.said_by}" if self.said_by else ""
        return f"{self.deliverable} {how} {self.what}: {self.reference}{by}."


class ReuseUnlinked(Event):
    type: ClassVar[str] = "reuse-unlinked"
    deliverable: str
    what: str
    reference: str

    def sentence(self) -> str:
        return f"{self.deliverable} no longer stands for {self.what}: {self.reference}."


class FeedLinked(Event):
    type: ClassVar[str] = "feed-linked"
    deliverable: str
    to: str

    def sentence(self) -> str:
        return f"{self.deliverable} feeds {self.to}."


class FeedUnlinked(Event):
    type: ClassVar[str] = "feed-unlinked"
    deliverable: str
    to: str

    def sentence(self) -> str:
        return f"{self.deliverable} feeds {self.to} no longer."


@dataclass(frozen=True, slots=True)
class Reuse:
    """By deliverable: what else it stands for, and what it feeds."""

    satisfies: Mapping[str, tuple[ReuseLinked, ...]] = field(default_factory=dict)
    feeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _goes_on(deliverable: Deliverable, state: State) -> None:
    """Refuse a link of what goes on under other ids; one that was declined may still have it.

    Raises:
        WrongState: It was merged or split.
    """
    if deliverable.into:
        raise WrongState(
            f"{state.id}: {deliverable.id} {deliverable.title!r} was {deliverable.ending}. Say it "
            f"of {' or '.join(deliverable.into)} instead: handrail deliverable show {state.id} "
            f"{deliverable.into[0]}"
        )


def _same(link: ReuseLinked, what: str, reference: str) -> bool:
    return link.what == what and link.reference.casefold() == reference.casefold()


@decides(Satisfies)
def satisfies(command: Satisfies, state: State, context: Context) -> Decision:
    running(state, context)
    rules = rules_of(state, context)
    deliverable = found(command, state)
    person = proposer(command.person, command.evidence, "What it satisfies", state, context)
    kinds = [k.id for k in rules.satisfies]
    what = command.plan.lower()
    if what not in kinds:
        raise Unknown(
            f"{state.id}: {context.the_playbook.ref} knows no kind {command.plan!r} that a "
            f"deliverable may satisfy. {did_you_mean(what, kinds)}Give one of {', '.join(kinds)}."
        )
    links = state.of(Reuse).satisfies.get(deliverable.id, ())
    before = next((k for k in links if _same(k, what, command.reference)), None)
    if command.no_longer:
        if before is None:
            known = "; ".join(f"{k.what}: {k.reference}" for k in links) or "nothing"
            raise Unknown(
                f"{state.id}: {deliverable.id} does not stand for {what}: {command.reference!r}; "
                f"it stands for {known}. Give --plan and --reference as they were recorded."
            )
        return [ReuseUnlinked(deliverable=deliverable.id, what=what, reference=before.reference)]
    _goes_on(deliverable, state)
    if before and before.already_done == command.already_done:
        raise AlreadyExists(
            f"{state.id}: that {deliverable.id} stands for {what}: {before.reference!r} is "
            f"recorded already. Nothing more is needed."
        )
    return [
        ReuseLinked(
            deliverable=deliverable.id,
            what=what,
            reference=command.reference,
            already_done=command.already_done,
            said_by=person.id if person else None,
            evidence=sealed(person, command.evidence),
        )
    ]


@evolves(ReuseLinked)
def reuse_linked(state: State, event: ReuseLinked, stamp: Stamp) -> State:
    reuse = state.of(Reuse)
    kept = [
        k
        for k in reuse.satisfies.get(event.deliverable, ())
        if not _same(k, event.what, event.reference)
    ]
    return state.put(Reuse({**reuse.satisfies, event.deliverable: (*kept, event)}, reuse.feeds))


@evolves(ReuseUnlinked)
def reuse_unlinked(state: State, event: ReuseUnlinked, stamp: Stamp) -> State:
    reuse = state.of(Reuse)
    kept = tuple(
        k
        for k in reuse.satisfies.get(event.deliverable, ())
        if not _same(k, event.what, event.reference)
    )
    return state.put(Reuse({**reuse.satisfies, event.deliverable: kept}, reuse.feeds))


@decides(FeedDeliverable)
def feed(command: FeedDeliverable, state: State, context: Context) -> Decision:
    running(state, context)
    deliverable = found(command, state)
    not_in_the_future(context.effective_on, "The link", context)
    wanted = [ref.upper() for ref in (command.cause, command.summit) if ref]
    if not wanted:
        raise Incomplete(
            f"{state.id}: nothing is said about what {deliverable.id} feeds. Give --cause or "
            f"--summit."
        )
    if command.summit and not command.summit.upper().startswith("Y"):
        raise Invalid(
            f"{state.id}: --summit {command.summit!r} is not the id of a summit. Give it as, for "
            f"example, Y2-5."
        )
    fed = state.of(Reuse).feeds.get(deliverable.id, ())
    if command.no_longer:
        if missing := [ref for ref in wanted if ref not in fed]:
            raise Unknown(
                f"{state.id}: {deliverable.id} does not feed {missing[0]}; it feeds "
                f"{', '.join(fed) or 'nothing'}. Name what it feeds, or leave it."
            )
        return [FeedUnlinked(deliverable=deliverable.id, to=ref) for ref in wanted]
    _goes_on(deliverable, state)
    if command.cause:
        _a_standing_cause(command.cause.upper(), state)
    if all(ref in fed for ref in wanted):
        raise AlreadyExists(
            f"{state.id}: {deliverable.id} feeds {' and '.join(wanted)} already. Nothing more is "
            f"needed."
        )
    return [FeedLinked(deliverable=deliverable.id, to=ref) for ref in wanted if ref not in fed]


def _a_standing_cause(cause: str, state: State) -> None:
    known = [c.id for c in state.of(Focus).current_causes]
    if cause not in known:
        raise Unknown(
            f"{state.id} has no root cause {cause!r}; it has {', '.join(known) or 'none yet'}. See "
            f"them: handrail focus show {state.id}"
        )


@evolves(FeedLinked)
def feed_linked(state: State, event: FeedLinked, stamp: Stamp) -> State:
    reuse = state.of(Reuse)
    fed = dict.fromkeys((*reuse.feeds.get(event.deliverable, ()), event.to))
    return state.put(Reuse(reuse.satisfies, {**reuse.feeds, event.deliverable: tuple(fed)}))


@evolves(FeedUnlinked)
def feed_unlinked(state: State, event: FeedUnlinked, stamp: Stamp) -> State:
    reuse = state.of(Reuse)
    fed = tuple(f for f in reuse.feeds.get(event.deliverable, ()) if f != event.to)
    return state.put(Reuse(reuse.satisfies, {**reuse.feeds, event.deliverable: fed}))

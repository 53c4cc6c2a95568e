"""Coaching: a log of contacts, a gap that is noticed, and parts of the offer an LEA opts out of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.agreements.agreements import Agreements
from domain.engagement.guards import evidence_for, of_the_lea
from domain.engagement.state import Engagement
from domain.kernel.fields import Line, Option, PersonRef, Positional, Prose
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    WrongPerson,
    WrongState,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.obligations import Obligation, owes
from domain.policy.calendar import local_date, spoken
from domain.policy.parts import CoachingRules
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.named import the_named
from domain.rules.registry import decides, evolves

about_noun("contact", "Log coaching contacts, and see them.")
about_noun("prong", "Record which parts of the offer an LEA leaves out.")

ITEM = "coaching/contact"
"""The item under which a coaching contact is owed and reminded of."""


class LogContact(EngagementCommand):
    """Log a coaching contact: who spoke with whom, how, and what for."""

    noun = "contact"
    verb = "log"

    how: Annotated[str, Option("kind")]
    """How, by a kind of the playbook, for example visit or teleconference."""
    purpose: Line
    """What it was for, for example "progress of cycle C1"."""
    people: Annotated[tuple[PersonRef, ...], Option("with"), Field(min_length=1)]
    """With whom, once for each person; at least one of the LEA."""
    by: Annotated[PersonRef | None, Option("coach")] = None
    """Who coached; the Lead of that day if left out."""
    note: Prose | None = None
    """What was said, for the record."""


class _ProngCommand(EngagementCommand):
    prong: Annotated[Line, Positional()]
    """The part of the offer, for example summits, coaching or independent-work."""


class OptOut(_ProngCommand):
    """Record that the LEA leaves out a part of the offer; it is not reminded of that part."""

    noun = "prong"
    verb = "opt-out"

    reason: Line
    """Why, in words the LEA could read."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA decided it."""
    evidence: Line | None = None
    """Where that is written down."""


class OptIn(_ProngCommand):
    """Record that the LEA takes up a part of the offer again."""

    noun = "prong"
    verb = "opt-in"

    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA decided it."""
    evidence: Line | None = None
    """Where that is written down."""


class ContactLogged(Event):
    type: ClassVar[str] = "contact-logged"
    kind: str
    counts: bool
    """Whether the playbook of that day took this kind for a contact that ends a gap."""
    on: date
    coach: str
    people: tuple[str, ...]
    purpose: Sealed
    note: Sealed | None = None

    def sentence(self) -> str:
        return (
            f"Coaching contact ({self.kind}) on {spoken(self.on)}: {self.coach} with "
            f"{', '.join(self.people)}, for {full(self.purpose)}"
        )


class ProngOptedOut(Event):
    type: ClassVar[str] = "prong-opted-out"
    prong: str
    on: date
    reason: Sealed
    person: str | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        return (
            f"The LEA opted out of {self.prong} from {spoken(self.on)}: {self.reason}"
            + _who_said(self.person, self.evidence)
            + "."
        )


class ProngOptedIn(Event):
    type: ClassVar[str] = "prong-opted-in"
    prong: str
    on: date
    person: str | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        return (
            f"The LEA takes part in {self.prong} again from {spoken(self.on)}"
            + _who_said(self.person, self.evidence)
            + "."
        )


def _who_said(person: str | None, evidence: Sealed | None) -> str:
    return f" ({person}, {evidence})" if person else ""


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact as it was logged."""

    on: date
    kind: str
    counts: bool
    coach: str
    people: tuple[str, ...]
    purpose: Sealed
    note: Sealed | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The LEA left a prong, or came back to it."""

    on: date
    prong: str
    out: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Restart:
    """A day from which the days without contact are counted anew."""

    on: date
    why: Literal["contact logged", "opted out"]
    """What ended the count before it."""


@dataclass(frozen=True, slots=True)
class Coaching:
    """Contacts in the order of their days, prongs, and the clock of days without contact."""

    contacts: tuple[Contact, ...] = ()
    changes: tuple[Change, ...] = ()
    restarts: tuple[Restart, ...] = ()
    """Only ever later days, so that a reminder's round keeps its number when staff backdate."""
    out: Mapping[str, Change] = field(default_factory=dict)
    """The prongs the LEA is out of."""


def rules_of(state: State, context: Context) -> CoachingRules:
    """What the pinned playbook says about coaching.

    Raises:
        WrongState: It says nothing.
    """
    rules = context.the_playbook.coaching
    if rules is None:
        raise WrongState(
            f"{state.id}: its playbook {context.the_playbook.ref} says nothing about coaching, so "
            f"nothing of it can be recorded. See which versions do: handrail playbook list"
        )
    return rules


def coached_since(state: State) -> date | None:
    """The day from which coaching is owed: that of the agreement on the engagement; None before."""
    return state.of(Agreements).effective_on


def coached(state: State, context: Context, what: str) -> Engagement:
    """The engagement, provided that work with the LEA has begun by the day of what is recorded.

    Raises:
        WrongState: No agreement is effective.
        ImpossibleDate: It is dated in the future, or before the agreement.
    """
    engagement = state.of(Engagement)
    not_in_the_future(context.effective_on, what, context)
    since = coached_since(state)
    if since is None:
        raise WrongState(
            f"{state.id} is {engagement.phase}: coaching and cycles begin once the agreement is "
            f"effective. A talk before that is a conversation: handrail conversation log --help"
        )
    if context.effective_on < since:
        raise ImpossibleDate(
            f"{state.id}: {what[0].lower()}{what[1:]} cannot be dated "
            f"{spoken(context.effective_on)}: the agreement is effective since {spoken(since)}. "
            f"Give the day on which it happened: --on DATE"
        )
    return engagement


def _lead_on(day: date, engagement: Engagement, context: Context) -> str:
    """Who was Lead on a day."""
    held = [
        t.person
        for t in engagement.tenures
        if t.role == "lead" and local_date(t.since, context.zone) <= day
    ]
    return held[-1] if held else engagement.roles["lead"]


@decides(LogContact)
def log_contact(command: LogContact, state: State, context: Context) -> Decision:
    engagement = coached(state, context, "The contact")
    rules = rules_of(state, context)
    no = f"is not a kind of contact in {context.the_playbook.ref}"
    kind = the_named(command.how, rules.contact_kinds, no, "The kinds:")
    there = tuple(dict.fromkeys(context.person(p).id for p in command.people))
    if not any(context.person(p).organisation == engagement.lea for p in there):
        raise WrongPerson(
            f"{state.id}: of those named, {' and '.join(there)}, nobody works at "
            f"{engagement.lea_name}, and a coaching contact is one with the LEA. Name who of the "
            f"LEA was there: --with PERSON. "
            f"See them: handrail person list --organisation {engagement.lea}"
        )
    on = context.effective_on
    coach = context.person(command.by).id if command.by else _lead_on(on, engagement, context)
    if coach in there:
        raise WrongPerson(
            f"{state.id}: {coach} cannot have coached themselves: they are named in --with and as "
            f"the coach. Leave them out of --with, or name the coach: --coach PERSON"
        )
    if command.by and context.person(command.by).organisation == engagement.lea:
        raise WrongPerson(
            f"{state.id}: {coach} works at {engagement.lea_name} and is coached, not a coach. "
            f"Leave out --coach for the Lead, or name somebody else: --coach PERSON"
        )
    twin = next(
        (
            c
            for c in state.of(Coaching).contacts
            if (c.on, c.kind, set(c.people), str(c.purpose))
            == (on, kind.id, set(there), command.purpose)
        ),
        None,
    )
    if twin:
        raise AlreadyExists(
            f"{state.id}: a {kind.id} on {spoken(on)} with {', '.join(there)} for "
            f"{command.purpose!r} is logged already. If there were two, say what the second was "
            f"for: --purpose PURPOSE"
        )
    return [
        ContactLogged(
            kind=kind.id,
            counts=kind.counts,
            on=on,
            coach=coach,
            people=there,
            purpose=Sealed(about=state.stream, text=command.purpose),
            note=Sealed(about=state.stream, text=command.note) if command.note else None,
        )
    ]


@evolves(ContactLogged)
def contact_logged(state: State, event: ContactLogged, stamp: Stamp) -> State:
    coaching = state.of(Coaching)
    contact = Contact(
        event.on, event.kind, event.counts, event.coach, event.people, event.purpose, event.note
    )
    contacts = tuple(sorted((*coaching.contacts, contact), key=lambda c: c.on))
    coaching = replace(coaching, contacts=contacts)
    return state.put(
        _restarted(coaching, Restart(event.on, "contact logged")) if event.counts else coaching
    )


def _restarted(coaching: Coaching, restart: Restart) -> Coaching:
    if coaching.restarts and restart.on <= coaching.restarts[-1].on:
        return coaching
    return replace(coaching, restarts=(*coaching.restarts, restart))


def _prong(command: _ProngCommand, state: State, context: Context) -> str:
    no = f"is not a prong of {context.the_playbook.ref}"
    wanted = the_named(command.prong, rules_of(state, context).prongs, no, "The prongs:").id
    not_in_the_future(context.effective_on, "The change", context)
    last = next((c for c in reversed(state.of(Coaching).changes) if c.prong == wanted), None)
    if last and context.effective_on < last.on:
        raise ImpossibleDate(
            f"{state.id}: nothing about {wanted} can change on {spoken(context.effective_on)}: the "
            f"LEA opted {'out' if last.out else 'in'} on {spoken(last.on)}. Give a later day: "
            f"--on DATE"
        )
    return wanted


def _said_by(
    command: OptOut | OptIn, what: str, state: State, context: Context
) -> tuple[str | None, Sealed | None]:
    """Who at the LEA decided it, and where that is written down."""
    evidence_for(command.person, command.evidence, what)
    if command.person is None or command.evidence is None:
        return None, None
    person = of_the_lea(command.person, state.of(Engagement), context).id
    return person, Sealed(about=person, text=command.evidence)


@decides(OptOut)
def opt_out(command: OptOut, state: State, context: Context) -> Decision:
    prong = _prong(command, state, context)
    person, evidence = _said_by(command, "The opting out", state, context)
    before = state.of(Coaching).out.get(prong)
    if before:
        raise AlreadyExists(
            f"{state.id} is out of {prong} since {spoken(before.on)} ({before.reason}). To take "
            f"it up again: handrail prong opt-in {state.id} {prong}"
        )
    return [
        ProngOptedOut(
            prong=prong,
            on=context.effective_on,
            reason=Sealed(about=state.stream, text=command.reason),
            person=person,
            evidence=evidence,
        )
    ]


@evolves(ProngOptedOut)
def prong_opted_out(state: State, event: ProngOptedOut, stamp: Stamp) -> State:
    coaching = state.of(Coaching)
    change = Change(event.on, event.prong, out=True, reason=str(event.reason))
    return state.put(
        replace(
            coaching,
            changes=(*coaching.changes, change),
            out={**coaching.out, event.prong: change},
        )
    )


@decides(OptIn)
def opt_in(command: OptIn, state: State, context: Context) -> Decision:
    prong = _prong(command, state, context)
    person, evidence = _said_by(command, "The opting in", state, context)
    if prong not in state.of(Coaching).out:
        raise AlreadyExists(
            f"{state.id} takes part in {prong} already. To record that it no longer does: "
            f"handrail prong opt-out {state.id} {prong} --reason REASON"
        )
    return [ProngOptedIn(prong=prong, on=context.effective_on, person=person, evidence=evidence)]


@evolves(ProngOptedIn)
def prong_opted_in(state: State, event: ProngOptedIn, stamp: Stamp) -> State:
    coaching = state.of(Coaching)
    coaching = replace(
        coaching,
        changes=(*coaching.changes, Change(event.on, event.prong, out=False)),
        out={prong: change for prong, change in coaching.out.items() if prong != event.prong},
    )
    # The evolver cannot ask the playbook which prong a contact belongs to; its name is fixed.
    if event.prong == COACHING:
        coaching = _restarted(coaching, Restart(event.on, "opted out"))
    return state.put(coaching)


COACHING = "coaching"
"""The prong that a contact belongs to; every playbook with coaching has it."""


@owes
def contact_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The Lead owes the next contact, so many days after the last one or the agreement."""
    rules = context.the_playbook.coaching
    since = coached_since(state)
    if rules is None or since is None:
        return
    coaching = state.of(Coaching)
    later = [r for r in coaching.restarts if r.on > since]
    starts = [since, *(r.on for r in later)]
    ended: list[str | None] = [r.why for r in later]
    ended.append("opted out" if COACHING in coaching.out else None)
    contacts = {c.on for c in coaching.contacts if c.counts}
    for round_, (start, settled) in enumerate(zip(starts, ended, strict=True), start=1):
        last = f"last: {spoken(start)}" if start in contacts else f"none since {spoken(start)}"
        yield Obligation(
            ITEM,
            f"Coaching contact ({last})",
            round_,
            start + timedelta(days=rules.contact_within_days),
            "lead",
            "agency",
            "Visit or call the LEA's leadership, then log it.",
            f"handrail contact log {state.id} --kind {rules.contact_kinds[0].id} --purpose PURPOSE "
            f"--with PERSON",
            rules.policy,
            settled,
        )

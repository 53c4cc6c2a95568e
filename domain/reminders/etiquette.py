"""Etiquette of reminders: snoozes with a reason, and an engagement's own reminder policies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar

from domain.engagement.guards import evidence_for, of_the_lea
from domain.engagement.state import Engagement
from domain.kernel.bounds import Day
from domain.kernel.fields import Line, Option, PersonRef, Positional, Slug
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    TooMany,
    Unknown,
    WrongPerson,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import counted, full
from domain.owing.items import fits
from domain.owing.obligations import Choosing, Obligation, chooses_policy, obligations
from domain.policy.calendar import spoken
from domain.policy.parts import EtiquetteRules
from domain.policy.playbook import Playbook
from domain.rules.context import Context
from domain.rules.days import not_in_the_future, within_reach
from domain.rules.registry import decides, evolves

about_noun("reminders", "What is to come; snooze, wake, and choose another policy.")

SNOOZED = "snoozed: see reason"
"""Why a reminder before the end of a snooze is not sent; the reason stands in the snooze."""

SNOOZED_STEP = "snoozed"
"""The step of the one reminder that goes when a snooze ends."""

ItemName = Annotated[Line, Positional()]


class SnoozeReminders(EngagementCommand):
    """Send nothing about one item until a day. It stays owed, and its due date stays."""

    noun = "reminders"
    verb = "snooze"

    item: ItemName
    """The item, as `handrail due` names it, for example D1."""
    until: Day
    """The day from which reminders go again; one goes on its morning if it is still owed."""
    reason: Line
    """Why, for example "the contact is on leave until then"."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA asked for it, if it came from there."""
    evidence: Line | None = None
    """Where they did, for example "mail of 9 March"."""


class WakeReminders(EngagementCommand):
    """End a snooze early: what is planned from now on goes again."""

    noun = "reminders"
    verb = "wake"

    item: ItemName
    """The item, for example D1."""


class ChooseReminderPolicy(EngagementCommand):
    """Remind by another of the playbook's policies on this engagement."""

    noun = "reminders"
    verb = "policy"
    happened = "The choice"

    policy: Slug
    """The policy, for example gentle."""
    reason: Line
    """Why, for example "the LEA asked for fewer mails"."""
    of_kind: Annotated[Slug | None, Option("kind")] = None
    """For all items of a kind, for example deliverables."""
    item: Line | None = None
    """For this item only, for example D1."""


class RemindersSnoozed(Event):
    type: ClassVar[str] = "reminders-snoozed"
    item: str
    round: int
    until: date
    reason: Sealed
    person: str | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        asked = f", as {self.person} asked ({self.evidence})" if self.person else ""
        return (
            f"Reminders of {self.item} are snoozed until {spoken(self.until)}{asked}: "
            f"{full(self.reason)}"
        )


class RemindersWoken(Event):
    type: ClassVar[str] = "reminders-woken"
    item: str
    round: int

    def sentence(self) -> str:
        return f"The snooze of {self.item} was ended early."


class ReminderPolicyChosen(Event):
    type: ClassVar[str] = "reminder-policy-chosen"
    policy: str
    kind: str | None = None
    item: str | None = None
    reason: Sealed

    def sentence(self) -> str:
        what = self.item or f"all {self.kind}"
        return f"Of {what} people are reminded by the policy {self.policy}: {full(self.reason)}"


@dataclass(frozen=True, slots=True)
class Snooze:
    """The snooze of one round of an item, and how often there was one."""

    until: date | None = None
    """None once it was ended early."""
    since: datetime | None = None
    reason: str = ""
    times: int = 0


@dataclass(frozen=True, slots=True)
class Chosen:
    """A policy chosen in place of the playbook's."""

    policy: str
    reason: str


@dataclass(frozen=True, slots=True)
class Etiquette:
    """What people asked for about reminders."""

    snoozes: Mapping[tuple[str, int], Snooze] = field(default_factory=dict)
    """By item and round: another due date ends a snooze."""
    of_kinds: Mapping[str, Chosen] = field(default_factory=dict)
    of_items: Mapping[str, Chosen] = field(default_factory=dict)


def snooze_of(owed: Obligation, state: State) -> Snooze | None:
    """The snooze of an obligation, also one whose day has come; None where there is none."""
    found = state.of(Etiquette).snoozes.get((owed.item, owed.round))
    return found if found and found.until and not owed.settled else None


def snoozed_until(owed: Obligation, state: State, today: date) -> date | None:
    """The day until which nothing is sent about an obligation; None where reminders go."""
    snooze = snooze_of(owed, state)
    return snooze.until if snooze and snooze.until and snooze.until > today else None


def resting(state: State, today: date) -> frozenset[tuple[str, int]]:
    """The items and rounds of which nothing may be said yet, not even in a week's mail."""
    snoozes = state.of(Etiquette).snoozes.items()
    return frozenset(key for key, snooze in snoozes if snooze.until and snooze.until > today)


def kind_of(item: str, playbook: Playbook) -> str | None:
    """Of which kind an item is: the first whose pattern it matches."""
    kinds = playbook.etiquette.kinds if playbook.etiquette else ()
    return next((k.id for k in kinds if any(fits(item, p) for p in k.items)), None)


@chooses_policy
def own_policies(state: State, context: Context) -> Choosing | None:
    """The engagement's own policies, for one item before its kind."""
    known = state.of(Etiquette)
    if not known.of_kinds and not known.of_items:
        return None
    playbook = context.the_playbook
    policies = {p.id: p for p in playbook.policies}

    def choose(owed: Obligation) -> str | None:
        kind = kind_of(owed.item, playbook)
        chosen = known.of_items.get(owed.item) or (known.of_kinds.get(kind) if kind else None)
        # Another version of the playbook may not have it; law sets the moments of an alarm.
        if chosen is None or chosen.policy not in policies or owed.policy is None:
            return owed.policy
        return owed.policy if policies[owed.policy].any_hour else chosen.policy

    return choose


def _rules(context: Context) -> EtiquetteRules:
    return context.the_playbook.etiquette or EtiquetteRules()


def _may_snooze(what: str, state: State, context: Context) -> None:
    engagement, by = state.of(Engagement), _rules(context).snooze_by
    mine = {role for role in ("lead", "director") if engagement.roles.get(role) == context.actor.id}
    mine |= context.actor.staff_roles & {"assistant"}
    if not mine & set(by):
        raise WrongPerson(
            f"{state.id}: {context.actor.id} may not {what}: in {context.the_playbook.ref} "
            f"only its {' or its '.join(by)} may. Ask one of them to run this command."
        )


def _owed_item(name: str, state: State, context: Context) -> Obligation:
    """What is owed under a name.

    Raises:
        Unknown: Nothing is.
    """
    owed = [o for o in obligations(state, context) if o.settled is None]
    found = [o for o in owed if o.item.casefold() == name.casefold()]
    if found:
        return found[-1]
    names = list(dict.fromkeys(o.item for o in owed))
    raise Unknown(
        f"{state.id} owes nothing called {name!r}. {did_you_mean(name, names)}Name what is owed: "
        f"{', '.join(names) or 'nothing'}. See it: handrail due --engagement {state.id}"
    )


@decides(SnoozeReminders)
def snooze(command: SnoozeReminders, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    rules = _rules(context)
    _may_snooze("snooze a reminder", state, context)
    evidence_for(command.person, command.evidence, "The wish")
    not_in_the_future(context.effective_on, "The snooze", context)
    person = of_the_lea(command.person, engagement, context) if command.person else None
    owed = _owed_item(command.item, state, context)
    if owed.policy is None or owed.due is None:
        raise WrongState(
            f"{state.id}: nobody is reminded of {owed.item} {owed.title!r}, so there is nothing to "
            f"snooze. See what is to come: handrail reminders plan {state.id}"
        )
    if context.the_playbook.policy(owed.policy).any_hour:
        raise WrongState(
            f"{state.id}: {owed.item} {owed.title!r} is an alarm, whose hour is set by law, and "
            f"cannot be snoozed. Record what was done: {owed.command}"
        )
    if owed.held:
        raise WrongState(
            f"{state.id}: {owed.item} is on hold already, so nobody is reminded of it. To let it "
            f"go on: handrail engagement resume {state.id} --item {owed.item}"
        )
    within_reach(command.until, "The end of the snooze", context)
    if command.until <= context.today:
        raise ImpossibleDate(
            f"{state.id}: a snooze until {spoken(command.until)} would be over: today is "
            f"{spoken(context.today)}. Give a day that lies ahead."
        )
    limit = rules.snooze_days
    if limit is not None and command.until > (last := context.today + timedelta(days=limit)):
        raise ImpossibleDate(
            f"{state.id}: {spoken(command.until)} is too far: in {context.the_playbook.ref} a "
            f"snooze lasts {counted(limit, 'day')} at most, until {spoken(last)}. Give an "
            f"earlier --until, or agree on another due date, or hold it: handrail engagement hold "
            f"{state.id} --item {owed.item} --reason REASON"
        )
    before = state.of(Etiquette).snoozes.get((owed.item, owed.round), Snooze())
    if before.until == command.until:
        raise AlreadyExists(
            f"{state.id}: {owed.item} is snoozed until {spoken(command.until)} already. To end it "
            f"early: handrail reminders wake {state.id} {owed.item}"
        )
    times = rules.snooze_times
    if times is not None and before.times >= times:
        often = "once" if times == 1 else f"{times} times"
        raise TooMany(
            f"{state.id}: {owed.item} due {spoken(owed.due)} was snoozed {often}, as often as "
            f"{context.the_playbook.ref} allows for one due date. Agree on another date, or see "
            f"what is to come: handrail reminders plan {state.id}"
        )
    return [
        RemindersSnoozed(
            item=owed.item,
            round=owed.round,
            until=command.until,
            reason=Sealed(about=state.stream, text=command.reason),
            person=person.id if person else None,
            evidence=Sealed(about=person.id, text=command.evidence)
            if person and command.evidence
            else None,
        )
    ]


@evolves(RemindersSnoozed)
def snoozed(state: State, event: RemindersSnoozed, stamp: Stamp) -> State:
    known, key = state.of(Etiquette), (event.item, event.round)
    before = known.snoozes.get(key, Snooze())
    now = Snooze(event.until, stamp.recorded_at, str(event.reason), before.times + 1)
    return state.put(replace(known, snoozes={**known.snoozes, key: now}))


@decides(WakeReminders)
def wake(command: WakeReminders, state: State, context: Context) -> Decision:
    _may_snooze("end a snooze", state, context)
    not_in_the_future(context.effective_on, "The end of the snooze", context)
    owed = _owed_item(command.item, state, context)
    if snoozed_until(owed, state, context.today) is None:
        raise WrongState(
            f"{state.id}: {owed.item} is not snoozed. See what is to come: "
            f"handrail reminders plan {state.id}"
        )
    return [RemindersWoken(item=owed.item, round=owed.round)]


@evolves(RemindersWoken)
def woken(state: State, event: RemindersWoken, stamp: Stamp) -> State:
    known, key = state.of(Etiquette), (event.item, event.round)
    before = known.snoozes.get(key, Snooze())
    return state.put(replace(known, snoozes={**known.snoozes, key: replace(before, until=None)}))


@decides(ChooseReminderPolicy)
def choose_policy(command: ChooseReminderPolicy, state: State, context: Context) -> Decision:
    if (command.of_kind is None) == (command.item is None):
        raise Incomplete(
            f"{state.id}: say for what the policy is: either --kind KIND or --item ITEM. "
            f"{_kinds_told(context)}"
        )
    playbook = context.the_playbook
    policies = [p.id for p in playbook.policies if not p.any_hour]
    if command.policy not in policies:
        raise Unknown(
            f"{playbook.ref} has no reminder policy {command.policy!r} to choose. "
            f"{did_you_mean(command.policy, policies)}Choose one of: {', '.join(policies)}."
        )
    known = state.of(Etiquette)
    item = None
    if command.item is not None:
        owed = _owed_item(command.item, state, context)
        item, before = owed.item, known.of_items.get(owed.item)
        if owed.policy is None:
            raise WrongState(
                f"{state.id}: nobody is reminded of {owed.item} {owed.title!r}, so no policy can "
                f"be chosen for it. See what is to come: handrail reminders plan {state.id}"
            )
        if playbook.policy(owed.policy).any_hour:
            raise WrongState(
                f"{state.id}: {owed.item} {owed.title!r} is an alarm, whose hours are set by law. "
                f"Choose a policy for another item: handrail reminders plan {state.id}"
            )
    else:
        kinds = [k.id for k in playbook.etiquette.kinds] if playbook.etiquette else []
        if command.of_kind not in kinds:
            raise Unknown(
                f"{playbook.ref} knows no kind of item {command.of_kind!r}. "
                f"{did_you_mean(str(command.of_kind), kinds)}{_kinds_told(context)}"
            )
        before = known.of_kinds.get(str(command.of_kind))
    if before is not None and before.policy == command.policy:
        raise AlreadyExists(
            f"{state.id}: {item or command.of_kind} are reminded of by {command.policy} already. "
            f"Nothing more is needed; see what is to come: handrail reminders plan {state.id}"
        )
    return [
        ReminderPolicyChosen(
            policy=command.policy,
            kind=command.of_kind,
            item=item,
            reason=Sealed(about=state.stream, text=command.reason),
        )
    ]


def _kinds_told(context: Context) -> str:
    kinds: Iterable[str] = (
        [k.id for k in context.the_playbook.etiquette.kinds]
        if context.the_playbook.etiquette
        else ()
    )
    told = ", ".join(kinds)
    return f"The kinds: {told}." if told else "It names no kinds: give --item ITEM."


@evolves(ReminderPolicyChosen)
def policy_chosen(state: State, event: ReminderPolicyChosen, stamp: Stamp) -> State:
    known = state.of(Etiquette)
    chosen = Chosen(event.policy, str(event.reason))
    if event.item is not None:
        return state.put(replace(known, of_items={**known.of_items, event.item: chosen}))
    return state.put(replace(known, of_kinds={**known.of_kinds, str(event.kind): chosen}))

"""What a review recommends: actions for an area's need, the few chosen, and who serves them."""

from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar

from domain.deliverables.proposing import Deliverables
from domain.engagement.guards import of_the_lea
from domain.engagement.state import Engagement
from domain.kernel.fields import Line, Option, PersonRef, Positional
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State, next_name
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, Incomplete, TooMany, Unknown, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.policy.calendar import spoken
from domain.review.review import (
    Action,
    ActionStatus,
    AreaId,
    Finding,
    Review,
    area_named,
    reviewing,
    rules_of,
)
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

about_noun("sir action", "Recommended actions of a review.")

ActionId = Annotated[Line, Positional()]


class AddAction(EngagementCommand):
    """Add a recommended action for an area's need."""

    noun = "sir action"
    verb = "add"

    area: AreaId
    """The area, by its id or its number in the framework."""
    title: Annotated[Line, Positional()]
    """What is recommended, for example "One calendar for all planning"."""


class MarkAction(EngagementCommand):
    """Say how far a recommended action is."""

    noun = "sir action"
    verb = "mark"

    action: ActionId
    """The action's id, for example RA1."""
    status: Annotated[ActionStatus, Positional()]
    """planned, under-way or done."""


class DropAction(EngagementCommand):
    """Take back a recommended action before the review is final."""

    noun = "sir action"
    verb = "drop"

    action: ActionId
    """The action's id, for example RA1."""
    reason: Line
    """Why, for example "the same as RA2"."""


class ChooseActions(EngagementCommand):
    """Choose the few priorities among the recommended actions; said again, it replaces."""

    noun = "sir"
    verb = "choose"

    actions: Annotated[tuple[Line, ...], Positional()]
    """The actions chosen, for example RA1 RA4."""
    person: Annotated[PersonRef, Option("for")]
    """Who at the LEA chose with the agency."""
    evidence: Line
    """Where that is written down, for example "minutes of 3 February"."""


class LinkAction(EngagementCommand):
    """Say that a deliverable serves a recommended action."""

    noun = "sir"
    verb = "link"

    action: ActionId
    """The action's id, for example RA1."""
    deliverable: Annotated[Line, Positional()]
    """The deliverable's id, for example D1."""


class UnlinkAction(EngagementCommand):
    """Take back that a deliverable serves a recommended action."""

    noun = "sir"
    verb = "unlink"

    action: ActionId
    """The action's id, for example RA1."""
    deliverable: Annotated[Line, Positional()]
    """The deliverable's id, for example D1."""
    reason: Line
    """Why, for example "D2 serves it instead"."""


class ActionAdded(Event):
    type: ClassVar[str] = "action-added"
    action: str
    area: str
    title: str

    def sentence(self) -> str:
        return f"{self.action} {self.title!r} recommended for {self.area}."


class ActionMarked(Event):
    type: ClassVar[str] = "action-marked"
    action: str
    status: ActionStatus
    on: date

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return f"{self.action} is {self.status.replace('-', ' ')} since {spoken(self.on)}."


class ActionDropped(Event):
    type: ClassVar[str] = "action-dropped"
    action: str
    reason: Sealed

    def sentence(self) -> str:
        return f"{self.action} is recommended no more: {full(self.reason)}"


class ActionsChosen(Event):
    type: ClassVar[str] = "actions-chosen"
    actions: tuple[str, ...]
    person: str | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        return (
            f"Priorities chosen: {', '.join(self.actions)}"
            + (f", with {self.person} ({self.evidence})" if self.person else "")
            + "."
        )


class ActionLinked(Event):
    type: ClassVar[str] = "action-linked"
    action: str
    deliverable: str

    def sentence(self) -> str:
        return f"{self.deliverable} serves {self.action}."


class ActionUnlinked(Event):
    type: ClassVar[str] = "action-unlinked"
    action: str
    deliverable: str
    reason: Sealed

    def sentence(self) -> str:
        return f"{self.deliverable} serves {self.action} no more: {full(self.reason)}"


def action_named(ref: str, review: Review, state: State) -> Action:
    """A recommended action that stands.

    Raises:
        Unknown: There is none of this id.
        WrongState: It was taken back.
    """
    found = review.actions.get(ref.strip().upper())
    if found is None:
        known = ", ".join(f"{a.id} ({a.title})" for a in review.recommended)
        raise Unknown(
            f"{state.id} has no recommended action {ref!r}. "
            + (
                f"Name one that it has: {known}."
                if known
                else f"It has none yet. Add one: handrail sir action add {state.id} AREA TITLE"
            )
        )
    if found.dropped is not None:
        raise WrongState(
            f"{state.id}: {found.id} {found.title!r} is recommended no more ({found.dropped}). "
            f"Choose among: handrail sir show {state.id}"
        )
    return found


@decides(AddAction)
def add_action(command: AddAction, state: State, context: Context) -> Decision:
    review = reviewing(state, context)
    area = area_named(command.area, review, state)
    not_in_the_future(context.effective_on, "The recommended action", context)
    if review.findings.get(area.id, Finding()).need is None:
        raise WrongState(
            f"{state.id}: {area.id} has no need recorded, and an action answers a need. Record it "
            f"first: handrail sir finding {state.id} {area.id} --need TEXT"
        )
    twin = next(
        (a for a in review.recommended if a.title.casefold() == command.title.casefold()), None
    )
    if twin:
        raise AlreadyExists(
            f"{state.id} has {twin.id} {twin.title!r} already, for {twin.area}. Give another title."
        )
    action = next_name(state, "RA", review.actions)
    return [ActionAdded(action=action, area=area.id, title=command.title)]


def get_action(review: Review, action: str) -> Action:
    """The action; a blank one where facts folded by effective date come before its adding."""
    return review.actions.get(action, Action(action))


def put_action(state: State, action: Action) -> State:
    """The state with one action replaced."""
    review = state.of(Review)
    return state.put(replace(review, actions={**review.actions, action.id: action}))


@evolves(ActionAdded)
def action_added(state: State, event: ActionAdded, stamp: Stamp) -> State:
    action = get_action(state.of(Review), event.action)
    return put_action(state, replace(action, area=event.area, title=event.title))


@decides(MarkAction)
def mark_action(command: MarkAction, state: State, context: Context) -> Decision:
    review = reviewing(state, context, even_final=True)
    action = action_named(command.action, review, state)
    not_in_the_future(context.effective_on, "The mark", context)
    if action.status == command.status:
        raise AlreadyExists(
            f"{state.id}: {action.id} {action.title!r} is {action.status} already. See them all: "
            f"handrail sir show {state.id}"
        )
    return [ActionMarked(action=action.id, status=command.status, on=context.effective_on)]


@evolves(ActionMarked)
def action_marked(state: State, event: ActionMarked, stamp: Stamp) -> State:
    action = get_action(state.of(Review), event.action)
    return put_action(state, replace(action, status=event.status))


@decides(DropAction)
def drop_action(command: DropAction, state: State, context: Context) -> Decision:
    review = reviewing(state, context)
    action = action_named(command.action, review, state)
    not_in_the_future(context.effective_on, "The dropping", context)
    if action.id in review.chosen:
        raise WrongState(
            f"{state.id}: {action.id} {action.title!r} cannot be dropped: it is chosen. Choose "
            f"without it first: handrail sir choose {state.id} ACTIONS"
        )
    if action.deliverables:
        raise WrongState(
            f"{state.id}: {action.id} {action.title!r} cannot be dropped: "
            f"{', '.join(action.deliverables)} serves it. Unlink it first: handrail sir unlink "
            f"{state.id} {action.id} {action.deliverables[0]} --reason REASON"
        )
    reason = Sealed(about=state.stream, text=command.reason)
    return [ActionDropped(action=action.id, reason=reason)]


@evolves(ActionDropped)
def action_dropped(state: State, event: ActionDropped, stamp: Stamp) -> State:
    action = get_action(state.of(Review), event.action)
    return put_action(state, replace(action, dropped=str(event.reason)))


@decides(ChooseActions)
def choose_actions(command: ChooseActions, state: State, context: Context) -> Decision:
    review = reviewing(state, context, even_final=True)
    rules = rules_of(state, context)
    not_in_the_future(context.effective_on, "The choice", context)
    person = of_the_lea(command.person, state.of(Engagement), context)
    chosen = tuple(dict.fromkeys(action_named(a, review, state).id for a in command.actions))
    if not chosen:
        raise Incomplete(f"{state.id}: no action is named. Name those chosen, such as RA1 RA4.")
    if len(chosen) > rules.priority_cap:
        raise TooMany(
            f"{state.id}: {len(chosen)} actions are more than the {rules.priority_cap} that "
            f"{context.the_playbook.ref} allows as priorities: {', '.join(chosen)}. Choose at most "
            f"{rules.priority_cap}; the others stay recommended."
        )
    if chosen == review.chosen:
        raise AlreadyExists(
            f"{state.id}: {', '.join(chosen)} {'is' if len(chosen) == 1 else 'are'} chosen "
            f"already. See what is recommended: handrail sir show {state.id}"
        )
    evidence = Sealed(about=person.id, text=command.evidence)
    return [ActionsChosen(actions=chosen, person=person.id, evidence=evidence)]


@evolves(ActionsChosen)
def actions_chosen(state: State, event: ActionsChosen, stamp: Stamp) -> State:
    return state.put(replace(state.of(Review), chosen=event.actions))


def _deliverable_named(ref: str, state: State) -> str:
    known = state.of(Deliverables).all
    wanted = ref.strip().upper()
    if wanted not in known:
        raise Unknown(
            f"{state.id} has no deliverable {ref!r}. "
            + (
                f"Name one that it has: {', '.join(f'{d.id} ({d.title})' for d in known.values())}."
                if known
                else f"It has none yet. Propose one: handrail deliverable propose {state.id} TITLE"
            )
        )
    return wanted


@decides(LinkAction)
def link_action(command: LinkAction, state: State, context: Context) -> Decision:
    review = reviewing(state, context, even_final=True)
    action = action_named(command.action, review, state)
    not_in_the_future(context.effective_on, "The link", context)
    deliverable = _deliverable_named(command.deliverable, state)
    ended = state.of(Deliverables).all[deliverable]
    if ended.status in ("declined", "merged", "split"):
        raise WrongState(
            f"{state.id}: {deliverable} {ended.title!r} is {ended.status}, so it cannot serve "
            f"{action.id}. See which go on: handrail engagement show {state.id}"
        )
    if deliverable in action.deliverables:
        raise AlreadyExists(
            f"{state.id}: {deliverable} serves {action.id} already. Walk the thread: "
            f"handrail sir thread {state.id} {action.id}"
        )
    return [ActionLinked(action=action.id, deliverable=deliverable)]


@evolves(ActionLinked)
def action_linked(state: State, event: ActionLinked, stamp: Stamp) -> State:
    action = get_action(state.of(Review), event.action)
    linked = tuple(dict.fromkeys((*action.deliverables, event.deliverable)))
    return put_action(state, replace(action, deliverables=linked))


@decides(UnlinkAction)
def unlink_action(command: UnlinkAction, state: State, context: Context) -> Decision:
    review = reviewing(state, context, even_final=True)
    action = action_named(command.action, review, state)
    not_in_the_future(context.effective_on, "The unlinking", context)
    deliverable = _deliverable_named(command.deliverable, state)
    if deliverable not in action.deliverables:
        raise WrongState(
            f"{state.id}: {deliverable} does not serve {action.id}, so there is no link to take "
            f"back. Walk the thread: handrail sir thread {state.id} {action.id}"
        )
    reason = Sealed(about=state.stream, text=command.reason)
    return [ActionUnlinked(action=action.id, deliverable=deliverable, reason=reason)]


@evolves(ActionUnlinked)
def action_unlinked(state: State, event: ActionUnlinked, stamp: Stamp) -> State:
    action = get_action(state.of(Review), event.action)
    kept = tuple(d for d in action.deliverables if d != event.deliverable)
    return put_action(state, replace(action, deliverables=kept))

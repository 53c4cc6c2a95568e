"""One command decided in full: what time has brought, what it says, what follows for notices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.engagement.guards import held_to_authority, held_to_declared, held_to_stated
from domain.engagement.state import Engagement
from domain.journey.steps import held_to_steps
from domain.kernel.messages import Command, Event, On, Recorded, Stamp, State
from domain.owing.coming import coming
from domain.owing.matter import matter_of
from domain.reminders.planning import reconcile
from domain.rules.context import Context
from domain.rules.registry import decide, fold

Dated = tuple[Event, datetime]
"""An event with the instant at which it came true."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What one command has to append, stream by stream."""

    own: list[Dated]
    others: dict[str, list[Dated]]
    expected: dict[str, int]
    """The versions of other streams that the decision rests on."""


def decide_in_full(
    command: Command, before: State, context: Context, *, illustrative: bool = False
) -> Decided:
    """The facts that a command adds to its own stream and to others.

    Args:
        illustrative: Whether what is recorded is invented.

    Raises:
        Refused: A rule says no.
    """
    # The mails about what is invented are as invented as that.
    invented = command.internal and matter_of(before, context).illustrative
    # What time has brought to a past that is being mended may not come to the mended one.
    own = [] if context.past else brought(before, context)
    reached = after(before, own, context)
    said, others, expected = _said(
        command, reached, context, illustrative or invented, as_given=True
    )
    own += said
    own += followed(before, own, context, reached)
    return Decided(own, others, expected)


def _said(
    command: Command,
    reached: State,
    context: Context,
    illustrative: bool,
    *,
    as_given: bool = False,
) -> tuple[list[Dated], dict[str, list[Dated]], dict[str, int]]:
    """What a command says of its stream and of others, with the versions of those it rests on.

    Args:
        as_given: Whether it is given now; what was kept is decided again with what was said then.
    """
    held_to_authority(command, reached, context)
    held_to_steps(command, reached, context)
    held_to_declared(command, reached, context)
    if as_given:
        held_to_stated(command, context)
    own: list[Dated] = []
    others: dict[str, list[Dated]] = {}
    expected: dict[str, int] = {}
    for entry in decide(command, reached, context):
        event = entry.event if isinstance(entry, On) else entry
        event = _marked(event, illustrative)
        where = others.setdefault(entry.stream, []) if isinstance(entry, On) else own
        where.append((event, context.effective(event)))
        if isinstance(entry, On) and entry.version is not None:
            expected[entry.stream] = entry.version
    return own, others, expected


def facts(
    command: Command | None, before: State, context: Context, *, illustrative: bool
) -> tuple[list[Dated], dict[str, list[Dated]]]:
    """The facts alone that a command adds to its stream and to others, without notices.

    Args:
        command: None for what time alone has brought.

    Raises:
        Refused: A rule says no.
    """
    own = _arrived(before, context)
    if command is None:
        return own, {}
    said, others, _ = _said(command, after(before, own, context), context, illustrative)
    return [*own, *said], others


def led_to(before: State, events: Sequence[Dated], context: Context) -> list[Dated]:
    """What follows on a stream from events that a command on another stream adds to it."""
    arrived = brought(after(before, events, context), context)
    return [*arrived, *followed(before, [*events, *arrived], context)]


def followed(
    before: State, events: Sequence[Dated], context: Context, since: State | None = None
) -> list[Dated]:
    """What follows for the notices of a stream from events that are added to it.

    Args:
        since: The stream with those of them whose consequences are among them already.
    """
    state = after(before, events, context)
    context = context.pinning(state.of(Engagement).playbook)
    invented = matter_of(state, context).illustrative
    return [
        (_marked(event, invented), context.now)
        for event in reconcile(state, context, since or before)
    ]


def brought(state: State, context: Context) -> list[Dated]:
    """What time alone has brought since the last command, with what follows for the notices."""
    arrived = _arrived(state, context)
    return [*arrived, *followed(state, arrived, context)] if arrived else []


def _arrived(state: State, context: Context) -> list[Dated]:
    illustrative = matter_of(state, context).illustrative
    return [
        (_marked(fact.event, illustrative), fact.at)
        for fact in coming(state, context)
        if fact.at <= context.now
    ]


def after(before: State, events: Sequence[Dated], context: Context) -> State:
    """The state that events not yet appended lead to, stamped well enough to decide on."""
    added = [
        Recorded(
            event,
            Stamp(
                stream=before.stream,
                version=before.version + index,
                effective_at=at,
                recorded_at=context.now,
                actor=context.actor.id,
                command_id=context.command_id,
            ),
        )
        for index, (event, at) in enumerate(events, start=1)
    ]
    if context.past is not None and any(event.mends() for event, _ in events):
        return fold(before.stream, [*context.past.history, *added])
    return fold(before.stream, added, before)


def _marked(event: Event, illustrative: bool) -> Event:
    """An event that says of itself whether it is illustrative."""
    return event.model_copy(update={"illustrative": True}) if illustrative else event

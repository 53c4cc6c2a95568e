"""Carries out one command: what it rests on is read, then it is decided, then written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from activities.clock import Clock
from activities.erasing import erase
from activities.standing import program_standing, standing_of
from domain import subjects  # noqa: F401 - who decides knows every subject from the start
from domain.deciding import Dated, Decided, after, brought, decide_in_full, led_to
from domain.engagement.state import Engagement, with_lea
from domain.envelope import Envelope, Receipt, Told
from domain.kernel.messages import Command, Recorded, State
from domain.kernel.refusals import Invalid
from domain.kernel.validation import explain
from domain.mending import MENDS
from domain.owing.obligations import owed_now
from domain.program.erasing import PersonErased
from domain.program.leas import RegisterLea
from domain.reminders.notices import ReconcileNotices
from domain.rules.context import Context, Past
from domain.rules.registry import as_mended, fold
from domain.streams import PROGRAM, aggregate_of, host_workflow_id
from store.context import standing, still_borne
from store.database import Connection
from store.events import Append, append, read_stream
from store.finding import canonical_stream
from store.past import past_of
from store.projections import hold, project
from store.resolving import resolve
from store.start import Folds, Start
from store.vault import Vault


@dataclass(frozen=True)
class Outcome:
    """A recorded command with what followed from it."""

    receipt: Receipt
    state: State
    context: Context
    news: list[Recorded]


@dataclass(frozen=True)
class Decision:
    """A command with what it has to append, and what that rests on."""

    envelope: Envelope
    command: Command
    before: State
    context: Context
    facts: Decided


class Writer:
    """The one writer of events, in the transaction of whoever answers."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock
        self._folds = Folds()

    async def start(
        self, connection: Connection, envelope: Envelope, told: Told | None = None
    ) -> Start:
        """Ask for what a command begins with.

        Args:
            told: An event that somebody was told of, which the store must have.
        """
        return await self._folds.start(
            connection,
            self._vault,
            command_id=envelope.command_id,
            stream=envelope.stream,
            told=told,
            sandbox_now=await self._clock.now(),
        )

    async def decide(
        self, connection: Connection, envelope: Envelope, start: Start, now: datetime
    ) -> Decision:
        """What a command has to append: all that is read for it is read here, and nothing written.

        Raises:
            Refused: A rule says no.
        """
        try:
            command = envelope.command()
        except ValidationError as problem:
            raise Invalid(explain(problem, envelope.kind)) from problem
        stream = await canonical_stream(
            connection, envelope.stream, new=isinstance(command, RegisterLea)
        )
        before = await self._folds.state(connection, self._vault, stream, start)
        context = await resolve(connection, envelope, command, before, now, start)
        if arrived := brought(before, context):
            # Whoever it brings in, such as another Lead, is resolved as well.
            then = after(before, arrived, context)
            context = await resolve(connection, envelope, command, then, now, start)
        if isinstance(command, MENDS):
            history = await read_stream(connection, self._vault, stream)
            past = await past_of(connection, self._vault, history, command)
            context = replace(context, past=past)
        decided = decide_in_full(command, before, context, illustrative=envelope.illustrative)
        return Decision(envelope, command, before, context, decided)

    async def write(self, connection: Connection, decided: Decision) -> Outcome:
        """Append what was decided, and bring the read models up to it."""
        envelope, before, context = decided.envelope, decided.before, decided.context
        if aggregate_of(before.stream) == "lea":
            await still_borne(connection, decided.command.names, context.bearers)
        news, state = await self._append(
            connection, envelope, context, before, before.version, decided.facts.own
        )
        context = context.pinning(state.of(Engagement).playbook)
        owed = owed_now(with_lea(state, context.leas.get(state.of(Engagement).lea)), context)
        # A changed calendar moves what is owed even where no notice moves with it.
        if news or isinstance(decided.command, ReconcileNotices):
            if not news:
                await hold(connection, state)
            await project(connection, state, await self._shown(connection, news), context, owed)
        told = list(news)
        for other, events in decided.facts.others.items():
            told += await self._elsewhere(connection, decided, context, other, events)
        if any(isinstance(recorded.event, PersonErased) for recorded in news):
            state = await erase(connection, self._vault, state.stream, context)
        if host_workflow_id(state.stream) == PROGRAM:
            standing_now = await program_standing(connection, context.now)
        else:
            standing_now = standing_of(state, context, owed)
        return Outcome(_receipt(envelope, state, told, standing_now), state, context, news)

    async def _elsewhere(
        self,
        connection: Connection,
        decided: Decision,
        context: Context,
        stream: str,
        events: list[Dated],
    ) -> list[Recorded]:
        """Append what a command says of another stream than its own."""
        base = await self._folds.state(connection, self._vault, stream)
        # What the decision looked at must not have gone on meanwhile.
        expected = decided.facts.expected.get(stream, context.versions.get(stream, base.version))
        there = context
        if aggregate_of(stream) == "appropriation":  # Less is left of it, or more.
            there = await standing(connection, base, context.now)
            if context.past is not None:
                past = await read_stream(connection, self._vault, stream)
                there = replace(there, past=Past(tuple(past), ()))
            events = [*events, *led_to(base, events, there)]
        news, reached = await self._append(
            connection, decided.envelope, context, base, expected, events
        )
        if aggregate_of(stream) == "engagement":  # It has a playbook and an LEA of its own.
            there = await standing(connection, reached, context.now)
        await project(connection, reached, await self._shown(connection, news), there)
        return news

    def needed(self, stream: str) -> None:
        """Keep whose keys the transaction needed that was about a stream."""
        self._folds.needed(stream, self._vault.met())

    async def _append(
        self,
        connection: Connection,
        envelope: Envelope,
        context: Context,
        base: State,
        expected: int,
        events: list[Dated],
    ) -> tuple[list[Recorded], State]:
        """Append to a stream; what was added, and the state that it leads to."""
        if not events:
            return [], base
        news = await append(
            connection,
            self._vault,
            Append(base.stream, expected, [e for e, _ in events], [at for _, at in events]),
            command_id=envelope.command_id,
            actor=context.actor.id,
            now=context.now,
            causation_id=envelope.causation_id,
        )
        if any(recorded.event.mends() for recorded in news):
            return news, fold(base.stream, await read_stream(connection, self._vault, base.stream))
        state = fold(base.stream, news, base)
        self._folds.reached(state, news)
        return news, state

    async def _shown(self, connection: Connection, news: list[Recorded]) -> Sequence[Recorded]:
        """What the read models are brought up by: what was appended, or all that was mended by it.

        What was taken back leaves every list, and what stands instead of it comes in.
        """
        if not any(recorded.event.mends() for recorded in news):
            return news
        return as_mended(await read_stream(connection, self._vault, news[0].stamp.stream))


def _receipt(
    envelope: Envelope, after: State, told: list[Recorded], standing: dict[str, Any]
) -> Receipt:
    return Receipt(
        command_id=envelope.command_id,
        stream=after.stream,
        outcome="recorded",
        message="Nothing changed: it is so already." if not told else "",
        version=after.version,
        events=tuple(
            Told(
                stream=r.stamp.stream,
                version=r.stamp.version,
                type=r.event.type,
                position=r.stamp.position,
            )
            for r in told
        ),
        **standing,
    )

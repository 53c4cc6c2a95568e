"""A machine appends, repeats, collides and reads as chance will have it, against a plain model."""

import asyncio
from uuid import UUID

import asyncpg
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from domain.engagement.engagement import RoleAssigned
from domain.kernel.messages import Event, Recorded
from domain.kernel.sealed import Sealed
from domain.program.people import PersonRegistered
from store.events import Append, Checkpoint, Conflict, append, read_log, read_stream
from store.vault import Vault
from tests.conftest import MASTER_KEY, Database, new_id
from tests.store.facts import at

TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=20)
ABOUT = st.sampled_from(["p-joy", "p-elena"])
SEALED = st.builds(Sealed, about=ABOUT, text=TEXT)
EVENTS = st.one_of(
    st.builds(RoleAssigned, role=st.just("lead"), person=TEXT, before=st.none() | TEXT),
    st.builds(
        PersonRegistered, handle=SEALED, name=SEALED, email=st.none() | SEALED, organisation=TEXT
    ),
)
STREAMS = st.sampled_from(["engagement:a", "engagement:b", "person:p-joy"])


class Store(RuleBasedStateMachine):
    """The model: for each stream the list of its events, and how far a reader came."""

    url: str
    commands = Bundle("commands")

    @initialize()
    def connect(self) -> None:
        self.runner = asyncio.Runner()
        self.vault = Vault(MASTER_KEY)
        self.connection = self.runner.run(asyncpg.connect(self.url))
        self.prefix = f"{new_id().hex}:"
        self.model: dict[str, list[Recorded]] = {}
        self.read: list[Recorded] = []
        self.checkpoint = self.runner.run(self._end_of_log())

    async def _end_of_log(self) -> Checkpoint:
        end = Checkpoint()
        async for reached, _ in read_log(self.connection, self.vault, end):
            end = reached
        return end

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.connection.close())
            self.runner.close()

    async def _append(
        self, stream: str, expected: int, events: list[Event], command_id: UUID
    ) -> list[Recorded]:
        async with self.connection.transaction():
            return await append(
                self.connection,
                self.vault,
                Append(self.prefix + stream, expected, events, [at(2026)] * len(events)),
                command_id=command_id,
                actor="p-tess",
                now=at(2026),
            )

    @rule(target=commands, stream=STREAMS, events=st.lists(EVENTS, min_size=1, max_size=4))
    def append_at_the_end(self, stream: str, events: list[Event]) -> tuple[str, UUID]:
        known = self.model.setdefault(stream, [])
        command_id = new_id()
        told = self.runner.run(self._append(stream, len(known), events, command_id))
        assert [r.event for r in told] == events
        assert [r.stamp.version for r in told] == [len(known) + n + 1 for n in range(len(events))]
        assert told[0].stamp.recorded_at >= (known[-1].stamp.recorded_at if known else at(2000))
        known += told
        return stream, command_id

    @rule(
        stream=STREAMS,
        events=st.lists(EVENTS, min_size=1, max_size=2),
        off=st.integers(-3, 3).filter(bool),
    )
    def append_elsewhere(self, stream: str, events: list[Event], off: int) -> None:
        expected = len(self.model.get(stream, [])) + off
        with pytest.raises(Conflict):
            self.runner.run(self._append(stream, expected, events, new_id()))

    @rule(command=commands, events=st.lists(EVENTS, min_size=1, max_size=2), late=st.booleans())
    def repeat(self, command: tuple[str, UUID], events: list[Event], late: bool) -> None:
        stream, command_id = command
        expected = len(self.model[stream]) if late else 0
        with pytest.raises(Conflict):
            self.runner.run(self._append(stream, expected, events, command_id))

    @rule()
    def follow(self) -> None:
        async def catch_up() -> None:
            async for reached, page in read_log(
                self.connection, self.vault, self.checkpoint, page=3
            ):
                self.checkpoint = reached
                self.read += [one for one in page if isinstance(one, Recorded)]

        self.runner.run(catch_up())
        written = [r for history in self.model.values() for r in history]
        assert self.read == sorted(written, key=lambda r: r.stamp.position)

    @invariant()
    def every_stream_reads_as_written_and_its_chain_is_whole(self) -> None:
        async def check() -> None:
            for stream, history in self.model.items():
                name = self.prefix + stream
                assert await read_stream(self.connection, self.vault, name) == history
                broken = await self.connection.fetch("select * from es.broken_links($1)", name)
                assert broken == []

        if hasattr(self, "model"):
            self.runner.run(check())


def test_no_sequence_of_appends_and_reads_finds_the_store_wrong(database: Database) -> None:
    class Here(Store):
        url = database.url

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=12,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

"""What a command starts from: most of it is as it was at the last one, and is not read again."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.envelope import Told
from domain.kernel.messages import Recorded, State
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from domain.rules.context import ProgramEntry
from store.database import Connection, queries
from store.documents import held, program_from
from store.events import folded, read_stream
from store.vault import Vault

_AT_MOST = 20_000
"""Events whose states are kept, some dozens of engagements of several years."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A stream as it was folded, and by what it is known that it is still so."""

    state: State
    position: int | None
    command_id: UUID | None
    """Position and command of its last event: another store has another at this version."""
    erased: int
    """How many keys had been destroyed: what was read in the clear is gone with any of them."""
    epoch: int | None
    subjects: frozenset[str] = frozenset()
    """Whose keys the last command on it needed."""

    def holds(self, end: Any) -> bool:
        """Whether the stream still begins so, by what was asked of its end."""
        return (self.position, self.command_id, self.erased, self.epoch) == (
            end["known_position"],
            end["known_command"],
            end["destroyed"],
            end["epoch"],
        )


@dataclass(frozen=True, slots=True)
class Start:
    """What one transaction found when it began to answer a command."""

    row: Any
    stream: str
    calendars: dict[int, CalendarPack] = field(repr=False)

    @property
    def receipt(self) -> Any:
        """The row of the answer that the command had before; None where it had none."""
        return self.row if self.row["answered"] else None

    @property
    def lacks_told(self) -> bool:
        """Whether an event that somebody was told of is not in the store."""
        return not self.row["has_told"]

    @property
    def now(self) -> datetime:
        """What time it is by the clock that stamps what is recorded."""
        now: datetime = self.row["now"]
        return now

    @property
    def program(self) -> ProgramEntry | None:
        """The program's settings; None before ``handrail init``.

        Raises:
            Unreadable: Its calendar is not there, or cannot be read.
        """
        return program_from(self.row, self.calendars)

    @property
    def playbooks(self) -> frozenset[str]:
        """Every version of a playbook that is published, as ``name@version``."""
        return frozenset(self.row["playbooks"])

    def playbook_at_hand(self, ref: str) -> Playbook | None:
        """A playbook that this process has read, by ``name@version`` or the newest by name."""
        name, _, version = ref.strip().partition("@")
        digests = dict(zip(self.row["playbooks"], self.row["digests"], strict=True))
        versions = [int(r.partition("@")[2]) for r in digests if r.partition("@")[0] == name]
        if not version and versions:
            version = str(max(versions))
        digest = digests.get(f"{name}@{version}")
        return None if digest is None else held(Playbook).get(digest)


class Folds:
    """States of streams as they were last folded, so that only what is new is read.

    A state is used again only where the store's last event says that it is the same stream, and
    nobody was erased since.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def start(
        self,
        connection: Connection,
        vault: Vault,
        *,
        command_id: UUID,
        stream: str,
        told: Told | None,
        sandbox_now: datetime,
    ) -> Start:
        """Ask for all that a command begins with, in one go."""
        kept = self._kept.get(stream)
        calendars = held(CalendarPack)
        row = await queries.begin(
            connection,
            command_id=command_id,
            told_stream=told and told.stream,
            told_version=told and told.version,
            told_position=told and told.position,
            sandbox_now=sandbox_now,
            stream=stream,
            known=kept and kept.state.version,
            held=[*calendars],
            subjects=sorted(kept.subjects) if kept else [],
        )
        await vault.meet(connection, row)
        return Start(row, stream, calendars)

    async def state(
        self, connection: Connection, vault: Vault, stream: str, start: Start | None = None
    ) -> State:
        """A stream, folded.

        Raises:
            Unreadable: It cannot be.
        """
        kept = self._kept.get(stream)
        if start is not None and start.stream == stream:
            end = start.row
        else:
            known = kept and kept.state.version
            end = await queries.end_of_stream(connection, stream=stream, known=known)
        if kept is not None and kept.holds(end):
            news: list[Recorded] = []
            if end["version"] != kept.state.version:
                news = await read_stream(connection, vault, stream, after=kept.state.version)
            if not any(recorded.event.mends() for recorded in news):
                state = folded(stream, news, kept.state) if news else kept.state
                return self._keep(state, news, end)
        self._kept.pop(stream, None)
        history = await read_stream(connection, vault, stream)
        return self._keep(folded(stream, history), history, end)

    def reached(self, state: State, news: list[Recorded]) -> None:
        """Keep the state that a stream has come to by what was just appended to it."""
        kept = self._kept.get(state.stream)
        if kept is not None and news:
            stamp = news[-1].stamp
            self._put(
                replace(kept, state=state, position=stamp.position, command_id=stamp.command_id)
            )

    def needed(self, stream: str, subjects: frozenset[str]) -> None:
        """Keep whose keys a command on a stream needed: the next one needs most of them."""
        kept = self._kept.get(stream)
        if kept is not None:
            self._kept[stream] = replace(kept, subjects=subjects)

    def _keep(self, state: State, news: list[Recorded], end: Any) -> State:
        position, command_id = end["position"], end["command_id"]
        if news:
            position, command_id = news[-1].stamp.position, news[-1].stamp.command_id
        kept = self._kept.get(state.stream)
        subjects = kept.subjects if kept else frozenset[str]()
        self._put(_Kept(state, position, command_id, end["destroyed"], end["epoch"], subjects))
        return state

    def _put(self, kept: _Kept) -> None:
        self._kept.pop(kept.state.stream, None)
        self._kept[kept.state.stream] = kept
        while len(self._kept) > 1 and sum(k.state.version for k in self._kept.values()) > _AT_MOST:
            self._kept.popitem(last=False)

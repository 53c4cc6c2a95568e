"""What travels between the door, the workflow and the record: a command out, a receipt back."""

import json
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.kernel.bounds import Day
from domain.kernel.messages import Command
from domain.kernel.phases import Phase, SummitStatus
from domain.kernel.refusals import Unknown
from domain.rules.context import SYSTEM
from domain.rules.registry import COMMANDS


class Envelope(BaseModel):
    """A command on its way, with who gives it and when."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    command_id: UUID
    stream: str
    """The stream it is decided on; a person or LEA in it may still be a handle or an alias."""
    kind: str
    body: dict[str, Any]
    actor: str
    """The acting person, by handle or id."""
    issued_at: datetime
    """When it was given; its local date is the command's today."""
    effective_on: Day | None = None
    """When it came true; the moment of the command if left out."""
    illustrative: bool = False
    causation_id: UUID | None = None

    @classmethod
    def of(
        cls,
        command: Command,
        *,
        command_id: UUID,
        actor: str,
        issued_at: datetime,
        effective_on: date | None = None,
        illustrative: bool = False,
        causation_id: UUID | None = None,
    ) -> "Envelope":
        """Pack a command."""
        return cls(
            command_id=command_id,
            stream=command.stream(command_id),
            kind=command.kind(),
            body=command.model_dump(mode="json", exclude_unset=True),
            actor=actor,
            issued_at=issued_at,
            effective_on=effective_on,
            illustrative=illustrative,
            causation_id=causation_id,
        )

    @classmethod
    def by_system(
        cls, command: Command, command_id: UUID, now: datetime, causation_id: UUID | None = None
    ) -> "Envelope":
        """Pack a command that nobody gives: time brought it, or what was recorded elsewhere."""
        return cls.of(
            command, command_id=command_id, actor=SYSTEM, issued_at=now, causation_id=causation_id
        )

    def command(self) -> Command:
        """Unpack the command.

        Raises:
            Unknown: This release has no such command.
            pydantic.ValidationError: It does not have the form it needs.
        """
        if self.kind not in COMMANDS:
            raise Unknown(
                f"This release of Handrail, at the worker, knows no command {self.kind!r}. Where "
                f"yours is newer, have the worker brought up to it, then give the command again."
            )
        return COMMANDS[self.kind].model_validate(self.body)

    def content(self) -> bytes:
        """What makes two commands the same: everything but the moment of giving it."""
        content = self.model_dump(mode="json", exclude={"command_id", "issued_at"})
        return json.dumps(content, sort_keys=True).encode()


class Told(BaseModel):
    """One event, as a receipt tells it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    stream: str
    version: int
    type: str
    position: int


class Facets(BaseModel):
    """What may be searched for in the engine: opaque ids only."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    phase: Phase | SummitStatus | None = None
    lead: str | None = None
    county: str | None = None
    lea_type: str | None = None
    next_due: date | None = None


class Receipt(BaseModel):
    """The answer to a command, kept for ever: asked again, it is given again."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    command_id: UUID
    stream: str
    outcome: Literal["recorded", "refused", "defect"]
    """A `defect` is Handrail's own: nothing is recorded nor kept, so that the same command may be
    given again once it is mended."""
    message: str
    """A paragraph for people; a person is named by id, which the door turns into a name."""
    refusal: str | None = None
    version: int = 0
    events: tuple[Told, ...] = ()
    is_open: bool = False
    """False where no workflow needs to wait: a stream that is empty or over."""
    next_wake: datetime | None = None
    facets: Facets = Facets()
    repeated: bool = False
    """True when the command had been answered before."""
    stands: bool = True
    """False where nobody could tell how the stream stands: its workflow waits on as before."""
    sealed: bool = False
    """True while it travels with its message sealed."""

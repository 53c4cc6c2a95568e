"""An engagement as it stands: its phase, and who holds which role."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Literal

from domain.kernel.messages import Event, Stamp, State
from domain.kernel.phases import Phase
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.rules.context import LeaEntry
from domain.rules.registry import evolves

_FORWARD: tuple[Phase, ...] = ("recruiting", "agreeing", "onboarding", "reviewing", "partnering")


AssignableRole = Literal[
    "lead", "director", "lea_contact", "superintendent", "assistant", "board_clerk", "county_rep"
]


EngagementRole = AssignableRole | Literal["incoming_lead"]
"""The incoming Lead is whoever a handover names, until its day comes."""


AGENCY_ROLES: frozenset[EngagementRole] = frozenset({"lead", "director", "assistant"})


class StepWaived(Event):
    type: ClassVar[str] = "step-waived"
    step: str
    reason: Sealed
    authority: str

    def sentence(self) -> str:
        return f"Step {self.step!r} was waived by {self.authority}: {full(self.reason)}"


@dataclass(frozen=True, slots=True)
class Tenure:
    """Who held a role, from when until when."""

    role: EngagementRole
    person: str
    since: datetime
    until: datetime | None = None
    interim: bool = False


@dataclass(frozen=True, slots=True)
class Engagement:
    """What every subject may know of the engagement as a whole."""

    phase: Phase | None = None
    lea: str = ""
    lea_name: str = ""
    lea_type: str = ""
    county: str | None = None
    lea_became: str | None = None
    """What became of the LEA, as the registry has it; None while it is."""
    playbook: str = ""
    source: str | None = None
    statute: str | None = None
    opened_at: datetime | None = None
    opened_by: str = ""
    ended_at: datetime | None = None
    end_reason: str | None = None
    roles: Mapping[EngagementRole, str] = field(default_factory=dict)
    tenures: tuple[Tenure, ...] = ()
    waived: Mapping[str, StepWaived] = field(default_factory=dict)
    spared: frozenset[str] = frozenset()
    """Steps that an upgrade of the playbook found done or behind: never asked for again."""
    illustrative: bool = False

    @property
    def is_open(self) -> bool:
        """True from opening until closing or withdrawal."""
        return self.phase is not None and self.ended_at is None


def with_lea(state: State, lea: LeaEntry | None) -> State:
    """The state with what the registry says of its LEA, in place of what it said at the opening."""
    if lea is None:
        return state
    engagement = state.of(Engagement)
    return state.put(
        replace(
            engagement,
            lea_name=lea.name,
            lea_type=lea.type,
            county=lea.county,
            lea_became=lea.became,
        )
    )


@evolves(StepWaived)
def step_waived(state: State, event: StepWaived, stamp: Stamp) -> State:
    engagement = state.of(Engagement)
    return state.put(replace(engagement, waived={**engagement.waived, event.step: event}))


def moved_to(state: State, phase: Phase) -> State:
    """The state with the engagement in a later phase; it never goes back, nor on once it is over.

    The parts of an engagement overlap: a review may be opened while deliverables are under way.
    """
    engagement = state.of(Engagement)
    if not engagement.is_open or engagement.phase not in _FORWARD:
        return state
    further = _FORWARD.index(phase) > _FORWARD.index(engagement.phase)
    return state.put(replace(engagement, phase=phase)) if further else state

"""What reminders are about, whatever kind of stream it is: an engagement, or an appropriation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from domain.engagement.state import Engagement, EngagementRole
from domain.kernel.messages import State
from domain.rules.context import Context
from domain.rules.registry import every_subject
from domain.streams import aggregate_of


@dataclass(frozen=True, slots=True)
class Matter:
    """What the rules about reminders may know of the stream that they are about."""

    begun: bool = False
    ended: str | None = None
    """Why nothing is owed on it any more; None while something may be."""
    holders: Mapping[EngagementRole, tuple[str, ...]] = field(default_factory=dict)
    """Who holds each role, by id; nobody where a role is missing."""
    title: str = ""
    """What a mail calls it: the name of the LEA, or which appropriation it is."""
    illustrative: bool = False
    keeps_its_playbook: bool = True
    """Whether it goes by the version that it began with; otherwise by the program's newest."""

    @property
    def is_open(self) -> bool:
        """Whether something may be owed on it."""
        return self.begun and self.ended is None

    def holding(self, role: EngagementRole) -> tuple[str, ...]:
        """Who holds a role; nobody where it is vacant."""
        return self.holders.get(role, ())

    @property
    def people(self) -> frozenset[str]:
        """Everybody with a role."""
        return frozenset(person for held in self.holders.values() for person in held)


Describes = Callable[[State, Context], Matter]
_KINDS: dict[str, Describes] = {}


def is_a_matter(aggregate: str) -> Callable[[Describes], Describes]:
    """Register how a kind of stream, such as engagement, looks to the rules about reminders."""

    def register(function: Describes) -> Describes:
        _KINDS[aggregate] = function
        return function

    return register


def kind_of_stream(state: State) -> str:
    """The aggregate that a stream is one of."""
    return aggregate_of(state.stream)


def matter_of(state: State, context: Context) -> Matter:
    """A stream as reminders know it; one that never begins where nobody is reminded of its kind."""
    if kind_of_stream(state) not in _KINDS:
        every_subject()
    describes = _KINDS.get(kind_of_stream(state))
    return describes(state, context) if describes else Matter()


@is_a_matter("engagement")
def _engagement(state: State, context: Context) -> Matter:
    engagement = state.of(Engagement)
    return Matter(
        begun=engagement.phase is not None,
        ended=str(engagement.phase) if engagement.ended_at is not None else None,
        holders={role: (person,) for role, person in engagement.roles.items()},
        title=engagement.lea_name,
        illustrative=engagement.illustrative,
    )

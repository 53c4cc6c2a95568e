"""The mix of LEAs in a program: what each is like, and what was achieved of what was wanted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, get_args
from uuid import UUID

from pydantic import Field

from domain.context import Context
from domain.errors import Incomplete
from domain.fields import LeaRef, Line, Positional
from domain.kernel import Command, Decision, Event, Stamp, State
from domain.nouns import about_noun
from domain.phases import Phase
from domain.playbook_parts import MixTarget
from domain.registry import decides, evolves

about_noun("portfolio", "See the mix of LEAs against its targets, and who needs a Lead most.")

Locale = Literal["urban", "suburban", "town", "rural"]


class ClassifyLea(Command):
    """Record what an LEA is like, for the mix of the portfolio; what is left out stays."""

    aggregate = "lea"
    noun = "lea"
    verb = "classify"

    lea: Annotated[LeaRef, Positional()]
    """The LEA, by id, name or alias."""
    locale: Locale | None = None
    """urban, suburban, town or rural."""
    region: Line | None = None
    """The region of the state, for example Central Valley."""
    unduplicated: Annotated[Decimal, Field(ge=0, le=100)] | None = None
    """The unduplicated pupils, in percent of all pupils."""
    source: Line | None = None
    """Where that was read."""

    def stream(self, command_id: UUID) -> str:
        return f"lea:{self.lea}"


class LeaClassified(Event):
    type: ClassVar[str] = "lea-classified"
    locale: Locale | None = None
    region: str | None = None
    unduplicated: Decimal | None = None
    source: str | None = None

    def sentence(self) -> str:
        said = [self.locale, self.region]
        if self.unduplicated is not None:
            said.append(f"{self.unduplicated}% unduplicated pupils")
        source = f" ({self.source})" if self.source else ""
        return f"The LEA is classified: {', '.join(s for s in said if s)}{source}."


@dataclass(frozen=True, slots=True)
class LeaProfile:
    """What an LEA is like, as far as anybody said."""

    locale: Locale | None = None
    region: str | None = None
    unduplicated: Decimal | None = None


@decides(ClassifyLea)
def classify_lea(command: ClassifyLea, state: State, context: Context) -> Decision:
    if not state.version:
        context.lea(command.lea)
    if command.locale is None and command.region is None and command.unduplicated is None:
        raise Incomplete(
            f"Nothing is said about {state.id}. Give --locale, --region or --unduplicated."
        )
    now = state.of(LeaProfile)
    if now == _with(now, command.locale, command.region, command.unduplicated):
        return []
    return [
        LeaClassified(
            locale=command.locale,
            region=command.region,
            unduplicated=command.unduplicated,
            source=command.source,
        )
    ]


def _with(
    profile: LeaProfile, locale: Locale | None, region: str | None, unduplicated: Decimal | None
) -> LeaProfile:
    return replace(
        profile,
        locale=locale or profile.locale,
        region=region or profile.region,
        unduplicated=profile.unduplicated if unduplicated is None else unduplicated,
    )


@evolves(LeaClassified)
def lea_classified(state: State, event: LeaClassified, stamp: Stamp) -> State:
    profile = _with(state.of(LeaProfile), event.locale, event.region, event.unduplicated)
    return state.put(profile)


@dataclass(frozen=True, slots=True)
class Member:
    """One engagement of the portfolio, as the mix looks at it."""

    lea: str
    lea_type: str
    phase: str
    profile: LeaProfile = LeaProfile()
    illustrative: bool = False

    @property
    def has_left(self) -> bool:
        """Whether one side withdrew: counted as left, and in nothing else."""
        return self.phase == "withdrawn"


@dataclass(frozen=True, slots=True)
class Achieved:
    """One target with what there is of it."""

    target: MixTarget
    have: int

    @property
    def met(self) -> bool:
        """Whether there are enough."""
        return self.have >= self.target.at_least


@dataclass(frozen=True, slots=True)
class Mix:
    """The portfolio compared with its targets."""

    taking_part: int
    gone: tuple[str, ...]
    """The LEAs that left."""
    phases: dict[str, int]
    """In which phase the LEAs are that take part; of several engagements the latest counts."""
    counts: dict[str, dict[str, int]]
    """By fact, then value; unknown where nobody said."""
    unduplicated: tuple[Decimal, ...]
    """The shares of unduplicated pupils that are known, lowest first."""
    achieved: tuple[Achieved, ...]
    illustrative: int
    """How many of the LEAs that take part were invented."""

    @property
    def left(self) -> int:
        """How many LEAs left."""
        return len(self.gone)


def _is(member: Member, target: MixTarget) -> bool:
    if target.fact == "unduplicated":
        share = member.profile.unduplicated
        return (
            share is not None and target.from_percent is not None and share >= target.from_percent
        )
    return _value(member, target.fact) in target.values


def _value(member: Member, fact: Literal["type", "locale", "region"]) -> str:
    found = member.lea_type if fact == "type" else getattr(member.profile, fact)
    return found or "unknown"


def mix(members: Iterable[Member], targets: Iterable[MixTarget]) -> Mix:
    """What the portfolio is made of: each LEA once, however many engagements it has.

    Args:
        members: The engagements; of one LEA's, the latest last.
    """
    everybody = list(members)
    there = {m.lea: m for m in everybody if not m.has_left}
    gone = {m.lea for m in everybody if m.has_left} - set(there)
    shares = [m.profile.unduplicated for m in there.values()]
    found = Counter(m.phase for m in there.values())
    facts: tuple[Literal["type", "locale", "region"], ...] = ("type", "locale", "region")
    return Mix(
        taking_part=len(there),
        gone=tuple(sorted(gone)),
        phases={p: found[p] for p in get_args(Phase) if found[p]},
        counts={
            fact: dict(sorted(Counter(_value(m, fact) for m in there.values()).items()))
            for fact in facts
        },
        unduplicated=tuple(sorted(share for share in shares if share is not None)),
        achieved=tuple(Achieved(t, sum(_is(m, t) for m in there.values())) for t in targets),
        illustrative=sum(m.illustrative for m in there.values()),
    )

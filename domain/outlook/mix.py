"""The mix of LEAs in a program: what each is like, and what was achieved of what was wanted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, get_args

from domain.kernel.nouns import about_noun
from domain.kernel.phases import Phase
from domain.policy.parts import MixTarget
from domain.program.classification import LeaProfile

about_noun("portfolio", "See the mix of LEAs against its targets, and who needs a Lead most.")


@dataclass(frozen=True, slots=True)
class Member:
    """One engagement of the portfolio, as the mix looks at it."""

    lea: str
    lea_type: str
    phase: str
    profile: LeaProfile = field(default_factory=LeaProfile)
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

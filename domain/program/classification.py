"""How an LEA is classified, for the mix of the portfolio."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.kernel.fields import LeaRef, Line, Positional
from domain.kernel.messages import Command, Decision, Event, Stamp, State
from domain.kernel.refusals import Incomplete
from domain.rules.context import Context
from domain.rules.registry import decides, evolves

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

"""Means of a survey: of each construct one, with how many answered, and nobody's own answer."""

from decimal import ROUND_HALF_UP, Decimal

from pydantic import Field, model_validator

from domain.kernel.bounds import Written
from domain.kernel.refusals import Unknown, did_you_mean
from domain.policy.parts import Instrument, Rating, SurveyRules

_HUNDREDTH = Decimal("0.01")


class Mean(Written):
    """What the answers to one construct come to."""

    of: str
    """The construct."""
    mean: Rating | None
    """None where too few answered for it to be kept."""
    respondents: int = Field(ge=0, le=100_000)

    @model_validator(mode="before")
    @classmethod
    def _typed(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        construct, equals, said = value.partition("=")
        mean, slash, respondents = said.partition("/")
        if not equals or not slash:
            raise ValueError("write it as CONSTRUCT=MEAN/ANSWERS, for example coaching=3.4/28")
        return {
            "of": construct.strip().casefold(),
            "mean": mean.strip(),
            "respondents": respondents.strip(),
        }


def instrument_named(name: str | None, rules: SurveyRules, ref: str) -> Instrument:
    """The instrument of that name, or the last one of the playbook.

    Raises:
        Unknown: There is none of that name.
    """
    if name is None:
        return rules.instruments[-1]
    known = {i.id: i for i in rules.instruments}
    if name.casefold() not in known:
        raise Unknown(
            f"{name!r} is not an instrument of {ref}. {did_you_mean(name, known)}Name one of "
            f"{', '.join(known)}, or leave out --instrument."
        )
    return known[name.casefold()]


def unknown_construct(name: str, rules: SurveyRules, ref: str) -> str | None:
    """What is wrong with the name of a construct; None when it is one."""
    known = [c.id for c in rules.constructs]
    if name in known:
        return None
    return (
        f"{name!r} is not a construct of {ref}. {did_you_mean(name, known)}The constructs: "
        f"{', '.join(known)}"
    )


def kept(result: Mean, smallest_group: int) -> Mean:
    """A result as it is kept: no mean of a group so small that somebody could be recognised."""
    if result.mean is None or result.respondents < smallest_group:
        return result.model_copy(update={"mean": None})
    return result.model_copy(
        update={"mean": result.mean.quantize(_HUNDREDTH, rounding=ROUND_HALF_UP)}
    )

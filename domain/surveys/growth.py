"""What surveys show: answers come to means, and means of two years to growth."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from itertools import pairwise

from domain.policy.parts import Instrument, SurveyRules
from domain.surveys.means import Mean, kept, unknown_construct
from domain.surveys.surveys import SurveyRecorded

_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Answers:
    """What a file of answers comes to: one respondent a row, one construct a column."""

    results: tuple[Mean, ...]
    wrong: tuple[tuple[int, str], ...]
    """Each row that cannot be taken, counted from 1, with what is wrong with it."""


def aggregated(
    rows: Sequence[Mapping[str, object]], rules: SurveyRules, instrument: Instrument, ref: str
) -> Answers:
    """The means of what respondents answered; a blank cell is no answer.

    Who answered is not looked at: a column that is no construct is refused.
    """
    answers: dict[str, list[Decimal]] = {c.id: [] for c in rules.constructs}
    wrong = []
    for number, row in enumerate(rows, start=1):
        said: dict[str, Decimal] = {}
        problems: list[str] = []
        for column, value in row.items():
            name, text = column.strip().casefold(), str("" if value is None else value).strip()
            if unknown := unknown_construct(name, rules, ref):
                problems.append(f"{unknown}. Take out every other column: who answered is not kept")
            elif text:
                rating = _number(text)
                if rating is None or not instrument.lowest <= rating <= instrument.highest:
                    problems.append(
                        f"{name} {text!r} is not a number between {instrument.lowest:f} and "
                        f"{instrument.highest:f}, the scale of {instrument.id}"
                    )
                else:
                    said[name] = rating
        if not problems and not said:
            problems.append("nothing is answered. Take the row out")
        if problems:
            wrong.append((number, "; ".join(problems)))
            continue
        for name, rating in said.items():
            answers[name].append(rating)
    results = tuple(
        kept(
            Mean(of=name, mean=sum(given, Decimal(0)) / len(given), respondents=len(given)),
            rules.smallest_group,
        )
        for name, given in answers.items()
        if given
    )
    return Answers(results, tuple(wrong))


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


@dataclass(frozen=True, slots=True)
class Growth:
    """One construct in two years; None where a year has no mean, or the two are not compared."""

    construct: str
    before: Mean | None
    after: Mean | None
    change: Decimal | None = None
    exact: Decimal | None = None
    """The change in percent of the earlier mean, not rounded."""

    @property
    def percent(self) -> Decimal | None:
        """The change in percent of the earlier mean, to a tenth."""
        return rounded(self.exact)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The surveys of two years side by side."""

    earlier: int
    later: int
    constructs: tuple[Growth, ...]
    why_not: str | None = None
    """Why the two are not compared; None where they are."""

    @property
    def exact(self) -> Decimal | None:
        """The average growth of the constructs that have one, not rounded."""
        grown = [g.exact for g in self.constructs if g.exact is not None]
        return sum(grown, Decimal(0)) / len(grown) if grown else None

    @property
    def percent(self) -> Decimal | None:
        """The average growth of the constructs that have one, to a tenth."""
        return rounded(self.exact)


def rounded(percent: Decimal | None) -> Decimal | None:
    """A percentage to a tenth."""
    return None if percent is None else percent.quantize(_TENTH, rounding=ROUND_HALF_UP)


def compared(earlier: SurveyRecorded, later: SurveyRecorded) -> Comparison:
    """Two surveys construct by construct; on another scale or in another wording only shown."""
    why_not = None
    if earlier.instrument != later.instrument:
        why_not = f"another instrument: {earlier.instrument}, then {later.instrument}"
    elif (earlier.lowest, earlier.highest) != (later.lowest, later.highest):
        why_not = (
            f"another scale: {earlier.lowest:f} to {earlier.highest:f}, then {later.lowest:f} to "
            f"{later.highest:f}"
        )
    before = {r.of: r for r in earlier.results}
    after = {r.of: r for r in later.results}
    return Comparison(
        earlier.year,
        later.year,
        tuple(
            _grown(name, before.get(name), after.get(name), comparable=why_not is None)
            for name in dict.fromkeys((*before, *after))
        ),
        why_not,
    )


def _grown(name: str, before: Mean | None, after: Mean | None, *, comparable: bool) -> Growth:
    if (
        not comparable
        or before is None
        or after is None
        or before.mean is None
        or after.mean is None
    ):
        return Growth(name, before, after)
    change = after.mean - before.mean
    exact = change * 100 / before.mean if before.mean > 0 else None
    return Growth(name, before, after, change, exact)


def comparisons(standing: Mapping[int, SurveyRecorded]) -> list[Comparison]:
    """Each survey with the one before it, oldest first."""
    surveys = [standing[year] for year in sorted(standing)]
    return [compared(*pair) for pair in pairwise(surveys)]


@dataclass(frozen=True, slots=True)
class Average:
    """An average over LEAs, with how many it rests on."""

    percent: Decimal | None
    leas: int


def average(grown: Iterable[Decimal | None]) -> Average:
    """The average of those that have a figure, each LEA with the same weight."""
    found = [g for g in grown if g is not None]
    return Average(rounded(sum(found, Decimal(0)) / len(found)) if found else None, len(found))

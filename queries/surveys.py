"""Surveys, and the growth that they show: of one LEA and of all of them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.surveys.growth import Comparison, Growth, aggregated, average, comparisons
from domain.surveys.means import Mean, instrument_named, kept, unknown_construct
from domain.surveys.surveys import SurveyRecorded, Surveys, rules_of
from queries.answers import Answer
from queries.clocks import end_of, not_to_come, zone_of
from queries.seen import around, seen
from queries.source import Source
from store.database import listed, queries
from store.documents import playbook
from store.errors import Unreadable

if TYPE_CHECKING:
    from domain.rules.context import Context


@dataclass(frozen=True)
class MeanShown(Answer):
    """What people said of a construct; no mean where too few answered."""

    construct: str
    name: str
    mean: str | None
    answers: int


@dataclass(frozen=True)
class GrowthShown(Answer):
    """A construct in two surveys."""

    construct: str
    name: str
    before: MeanShown | None
    after: MeanShown | None
    change: str | None
    percent: str | None


@dataclass(frozen=True)
class AverageShown(Answer):
    """The average growth of a construct, and over how many LEAs."""

    construct: str
    name: str
    percent: str | None
    leas: int


@dataclass(frozen=True)
class NotCompared(Answer):
    """Whose surveys cannot be compared, and why."""

    engagement: str
    why_not: str


@dataclass(frozen=True)
class Asked(Answer):
    """A survey that was asked for and is not there yet."""

    year: int
    due: date
    hours: Decimal


@dataclass(frozen=True)
class SurveyShown(Answer):
    """The survey of a year."""

    year: int
    taken: date
    instrument: str
    lowest: str
    highest: str
    source: str | None
    corrected: str | None
    results: tuple[MeanShown, ...]


@dataclass(frozen=True)
class ComparisonShown(Answer):
    """A survey beside the one of the year before."""

    earlier: int
    later: int
    comparable: bool
    why_not: str | None
    percent: str | None
    constructs: tuple[GrowthShown, ...]


@dataclass(frozen=True)
class SurveysShown(Answer):
    """The surveys of an LEA, year by year."""

    engagement: str
    lea_name: str
    illustrative: bool
    kind: str
    asked: tuple[Asked, ...]
    surveys: tuple[SurveyShown, ...]
    growth: tuple[ComparisonShown, ...]


@dataclass(frozen=True)
class GrowthOfAll(Answer):
    """The average growth of all LEAs from one year to the next."""

    kind: str
    earlier: int
    later: int
    percent: str | None
    leas: int
    illustrative: int
    constructs: tuple[AverageShown, ...]
    not_compared: tuple[NotCompared, ...]


def means_of(
    content: list[dict[str, Any]], instrument: str | None, state: State, context: "Context"
) -> tuple[list[Mean], dict[int, str]]:
    """The means that a file comes to, and what is wrong with its rows, each by its number."""
    rules, ref = rules_of(state, context), context.the_playbook.ref
    named = instrument_named(instrument, rules, ref)
    columns = {str(c).strip().casefold() for row in content for c in row}
    if "construct" not in columns:
        found = aggregated(content, rules, named, ref)
        return list(found.results), dict(found.wrong)
    means: list[Mean] = []
    wrong: dict[int, str] = {}
    for number, row in enumerate(content, start=1):
        cells = {str(k).strip().casefold(): str(v or "").strip() for k, v in row.items()}
        strange = sorted(cells.keys() - {"construct", "mean", "answers"})
        name = cells.get("construct", "").casefold()
        if strange:
            wrong[number] = (
                f"a file of means has the columns construct, mean and answers. Take out "
                f"{', '.join(strange)}"
            )
        elif unknown := unknown_construct(name, rules, ref):
            wrong[number] = unknown
        elif name in [m.of for m in means]:
            wrong[number] = f"{name} is said twice. Give it once"
        else:
            try:
                mean = Mean.model_validate(
                    {
                        "of": name,
                        "mean": cells.get("mean") or None,
                        "respondents": cells.get("answers") or None,
                    }
                )
            except ValidationError as problem:
                column = "answers" if problem.errors()[0]["loc"][0] == "respondents" else "mean"
                wrong[number] = (
                    f"{name}: {column} {cells.get(column, '')!r} is not a number that can be. "
                    f"Write the mean as 3.4 and the answers as 28"
                )
                continue
            if mean.mean is not None and not named.lowest <= mean.mean <= named.highest:
                wrong[number] = (
                    f"{name}: mean {mean.mean:f} is not between {named.lowest:f} and "
                    f"{named.highest:f}, the scale of {named.id}"
                )
                continue
            means.append(kept(mean, rules.smallest_group))
    return means, wrong


def as_data(state: State, context: "Context") -> SurveysShown:
    """The surveys of a folded engagement as plain data."""
    rules = context.the_playbook.surveys
    names = {c.id: c.name for c in rules.constructs} if rules else {}
    standing = state.of(Surveys).standing
    asks = state.of(Surveys).asks
    return SurveysShown(
        engagement=state.id,
        lea_name=state.of(Engagement).lea_name,
        illustrative=state.of(Engagement).illustrative,
        kind="process",
        asked=tuple(
            Asked(year=year, due=ask.rounds[-1].due, hours=ask.rounds[-1].hours)
            for year, ask in asks.items()
            if ask.rounds and not ask.dropped and year not in standing
        ),
        surveys=tuple(_survey(s, names) for s in standing.values()),
        growth=tuple(_comparison(c, names) for c in comparisons(standing)),
    )


def _survey(s: SurveyRecorded, names: dict[str, str]) -> SurveyShown:
    return SurveyShown(
        year=s.year,
        taken=s.taken,
        instrument=s.instrument,
        lowest=f"{s.lowest:f}",
        highest=f"{s.highest:f}",
        source=s.source,
        corrected=str(s.reason) if s.reason else None,
        results=tuple(mean_data(r, names) for r in s.results),
    )


def mean_data(r: Mean, names: dict[str, str]) -> MeanShown:
    return MeanShown(
        construct=r.of,
        name=names.get(r.of, r.of),
        mean=None if r.mean is None else f"{r.mean:f}",
        answers=r.respondents,
    )


def _comparison(c: Comparison, names: dict[str, str]) -> ComparisonShown:
    def grown(g: Growth) -> GrowthShown:
        return GrowthShown(
            construct=g.construct,
            name=names.get(g.construct, g.construct),
            before=mean_data(g.before, names) if g.before else None,
            after=mean_data(g.after, names) if g.after else None,
            change=None if g.change is None else f"{g.change:f}",
            percent=None if g.percent is None else f"{g.percent:f}",
        )

    return ComparisonShown(
        earlier=c.earlier,
        later=c.later,
        comparable=c.why_not is None,
        why_not=c.why_not,
        percent=None if c.percent is None else f"{c.percent:f}",
        constructs=tuple(grown(g) for g in c.constructs),
    )


def growth_of(states: list[State], names: dict[str, str], year: int) -> GrowthOfAll:
    """The average growth over engagements as plain data, each LEA once: its latest counts."""
    compared: dict[str, tuple[State, Comparison]] = {}
    not_compared: list[NotCompared] = []
    for state in sorted(states, key=lambda s: str(s.of(Engagement).opened_at)):
        for c in comparisons(state.of(Surveys).standing):
            if (c.earlier, c.later) != (year - 1, year):
                continue
            if c.why_not:
                not_compared.append(NotCompared(state.id, c.why_not))
            else:
                compared[state.of(Engagement).lea] = state, c
    every = [c for _, c in compared.values()]
    constructs = dict.fromkeys((*names, *(g.construct for c in every for g in c.constructs)))
    whole = average(c.exact for c in every)

    def of(name: str) -> AverageShown:
        found = average(g.exact for c in every for g in c.constructs if g.construct == name)
        return AverageShown(
            construct=name,
            name=names.get(name, name),
            percent=None if found.percent is None else f"{found.percent:f}",
            leas=found.leas,
        )

    return GrowthOfAll(
        kind="process",
        earlier=year - 1,
        later=year,
        percent=None if whole.percent is None else f"{whole.percent:f}",
        leas=whole.leas,
        illustrative=sum(s.of(Engagement).illustrative for s, _ in compared.values()),
        constructs=tuple(of(name) for name in constructs),
        not_compared=tuple(not_compared),
    )


async def surveys_of(
    source: Source, engagement: str, known: date | None, true: date | None
) -> SurveysShown:
    """The surveys of an engagement, year by year."""
    it = await seen(source, engagement, known, true)
    return as_data(it.state, await around(source, it))


async def growth(source: Source, year: int, known: date | None, true: date | None) -> GrowthOfAll:
    """The average growth of all LEAs that have a survey of a year and of the year before."""
    # It brings along what the other questions about surveys do without.
    from store.portfolio import states

    zone = await zone_of(source)
    await not_to_come(source, zone, known, true)
    async with source.pool.acquire() as connection:
        rows = await listed(queries.engagements(connection, phase=None, person=None))
        names: dict[str, str] = {}
        for ref in sorted({row["playbook"] for row in rows}):
            try:
                found = await playbook(connection, ref)
            except Unreadable as sick:
                source.left_out.append(sick)
                continue
            if found and found.surveys:
                names |= {c.id: c.name for c in found.surveys.constructs}
    async with source.pool.acquire() as connection:
        every = states(
            connection,
            zone=zone.key,
            known_by=end_of(known, zone) if known else None,
            true_by=end_of(true, zone) if true else None,
            left_out=source.left_out,
        )
        surveyed = [state async for state in every if state.of(Surveys).standing]
    return growth_of(surveyed, names, year)


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """What `engagement show` says of them."""
    return {
        "surveys": [
            {"year": year, "taken": s.taken, "constructs": len(s.results)}
            for year, s in state.of(Surveys).standing.items()
        ],
    }

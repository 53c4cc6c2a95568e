"""Surveys from a file, and the growth that they show: of one LEA and of all of them."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from cli.asking import Date, Json, Names, counted, engagement_named, run, say_if_illustrative
from cli.checking_in import seen
from cli.commands import _checked, explain, tell
from cli.imports import Result, Switch, _given, _report
from cli.nouns import noun
from cli.output import REFUSED, emit_json, emit_table, fail
from cli.reading import AsKnown, AsTrue, _day, end_of, not_to_come
from cli.stack import settings_or_fail
from cli.tables import read_table
from cli.verbs import Verbs
from domain.engagement.state import Engagement
from domain.envelope import Receipt
from domain.kernel.messages import State
from domain.kernel.refusals import Invalid
from domain.policy.calendar import spoken
from domain.surveys.growth import Comparison, Growth, aggregated, average, comparisons
from domain.surveys.means import Mean, instrument_named, kept, unknown_construct
from domain.surveys.surveys import LAST_SURVEY, RecordSurvey, SurveyRecorded, Surveys, rules_of

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.rules.context import Context

APART = (
    "Process grows before outcomes: this is how people say they work. What the Dashboard shows "
    "stands apart: handrail focus show"
)


def register(app: Verbs) -> None:
    """Add the import and the questions."""
    noun(app, "survey").command(survey_import, name="import")
    noun(app, "survey").command(survey_show, name="show")
    noun(app, "survey").command(survey_growth, name="growth")


def survey_import(
    engagement: str,
    file: Path,
    /,
    *,
    survey: int,
    on: Date,
    instrument: str | None = None,
    source: str | None = None,
    reason: str | None = None,
    illustrative: Switch = False,
    dry_run: Switch = False,
    skip_refused: Switch = False,
    json_: Json = False,
) -> None:
    """Record a year's survey from a CSV or YAML file: of answers, or of means.

    A file of answers has one respondent a row and one construct a column, blank where nothing
    was answered; it is brought to means here, and nothing but the means leaves this machine.
    A file of means has the columns construct, mean and answers. Names and every other column
    are refused: take them out before.

    Args:
        engagement: The engagement's id, or any name of its LEA.
        file: A CSV file with a header, or a YAML list.
        survey: Which survey, by its year: 1 for the first.
        on: The day on which it was taken (YYYY-MM-DD).
        instrument: The questionnaire, as the playbook calls it; its last one if left out.
        source: Where the means stand.
        reason: Why it takes the place of what is recorded for the year.
        illustrative: Mark what this records as illustrative.
        dry_run: Report every row and write nothing.
        skip_refused: Record the survey without the rows that are refused.
        json_: One JSON object a row.
    """
    table = read_table(file)
    content, numbers = [row.values for row in table], [row.number for row in table]
    taken: date = _checked(date, on, "--on")
    settings = settings_or_fail()
    if settings.actor is None:
        fail("Who acts? Set HANDRAIL_ACTOR to your handle in the directory.", REFUSED)
    actor = settings.actor

    async def work(door: "Door") -> tuple[list[Result], Receipt | None, list[Mean], Names]:
        from bootstrap.door import new_command_id
        from store.context import standing
        from store.events import read_state

        one = await engagement_named(door, engagement)
        now = await door.now()
        stream = f"engagement:{one}"
        async with door.pool.acquire() as connection:
            state = await read_state(connection, door.vault, stream)
            context = await standing(connection, state, now)
        results, wrong = means_of(content, instrument, state, context)
        outcomes = [
            Result(numbers[n - 1], "survey record", "refused", why) for n, why in wrong.items()
        ]
        good = [number for n, number in enumerate(numbers, start=1) if n not in wrong]
        body = {
            "engagement": one, "year": survey, "taken": taken, "result": results,
            "instrument": instrument, "source": source, "reason": reason,
        }  # fmt: skip
        try:
            command = RecordSurvey.model_validate(body)
        except ValidationError as problem:
            raise Invalid(explain(problem, RecordSurvey)) from problem
        receipt = None
        outcome = "would be recorded"
        if good:
            envelope = door.packed(
                command,
                # Not made from the content: given again after a correction it says something new.
                command_id=new_command_id(),
                actor=actor,
                issued_at=now,
                effective_on=None,
                illustrative=illustrative,
            )
            [receipt] = await door.rehearse([envelope])
            if receipt.outcome != "refused" and not dry_run and (skip_refused or not wrong):
                receipt = await _given(door, envelope)
                unchanged = receipt.outcome == "recorded" and not receipt.events
                outcome = "recorded before" if unchanged else receipt.outcome
        outcomes += [Result(n, "survey record", outcome, "") for n in good]
        names = Names(door)
        await names.learn(receipt.message if receipt else None)
        return sorted(outcomes, key=lambda r: r.number), receipt, results, names

    outcomes, receipt, means, names = run(work, commands=True)
    if receipt and receipt.outcome == "refused":
        # The survey as a whole: no row of it is to blame.
        tell(receipt, [], names, as_json=json_)
    if means and not json_:
        print("It comes to: " + ", ".join(f"{m.of} {_cell(_mean(m, {}))}" for m in means))
    _report(file, outcomes, names, dry_run=dry_run, as_json=json_)


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


def survey_show(
    engagement: str, /, *, as_known: AsKnown = None, as_true: AsTrue = None, json_: Json = False
) -> None:
    """Show the surveys of an LEA year by year, and what has grown.

    Args:
        engagement: The engagement's id, or any name of its LEA.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    found = seen(engagement, as_known, as_true)
    data = as_data(found.state, found.context)
    if json_:
        emit_json(data)
        return
    if not data["surveys"]:
        print(
            f"{found.state.id} has no survey yet. Ask the LEA for one: handrail survey ask "
            f"{found.state.id} --due DATE --hours HOURS"
        )
        return
    shown = data["growth"] or [_alone(data["surveys"][-1])]
    for g in shown:
        earlier, later = g["earlier"], g["later"]
        emit_table(
            f"{found.state.id}: how people say they work, year {later}"
            + (f" beside year {earlier}" if earlier else ""),
            ("Construct", *([f"Year {earlier}"] if earlier else []), f"Year {later}",
             *(("Change", "Growth") if earlier else ())),
            [
                (
                    c["name"],
                    *([_cell(c["before"])] if earlier else []),
                    _cell(c["after"]),
                    *((_signed(c["change"]), _signed(c["percent"], "%")) if earlier else ()),
                )
                for c in g["constructs"]
            ],
        )  # fmt: skip
        if g["why_not"]:
            print(f"Year {earlier} and year {later} cannot be compared: {g['why_not']}.")
        elif g["percent"] is not None:
            print(f"Average growth: {_signed(g['percent'], '%')}")
    for s in data["surveys"]:
        corrected = f"; corrected: {s['corrected']}" if s["corrected"] else ""
        print(
            f"Year {s['year']}: taken {spoken(s['taken'])}, {s['instrument']}, {s['lowest']} to "
            f"{s['highest']}{corrected}"
        )
    print(APART + f" {found.state.id}")
    say_if_illustrative(found.state.of(Engagement).illustrative)


def _alone(survey: dict[str, Any]) -> dict[str, Any]:
    """A survey with none before it, as a comparison is shown."""
    rows = [
        {"name": r["name"], "before": None, "after": r, "change": None, "percent": None}
        for r in survey["results"]
    ]
    return {
        "earlier": None, "later": survey["year"], "constructs": rows, "why_not": None,
        "percent": None,
    }  # fmt: skip


def _cell(mean: dict[str, Any] | None) -> str:
    if mean is None:
        return "–"
    if mean["mean"] is None:
        return f"too few answers ({mean['answers']})"
    return f"{mean['mean']} ({mean['answers']})"


def _signed(number: str | None, unit: str = "") -> str:
    if number is None:
        return "–"
    return f"{number if number.startswith('-') else '+' + number}{unit}"


def as_data(state: State, context: "Context") -> dict[str, Any]:
    """The surveys of a folded engagement as plain data."""
    rules = context.the_playbook.surveys
    names = {c.id: c.name for c in rules.constructs} if rules else {}
    standing = state.of(Surveys).standing
    asks = state.of(Surveys).asks
    return {
        "engagement": state.id,
        "lea_name": state.of(Engagement).lea_name,
        "illustrative": state.of(Engagement).illustrative,
        "kind": "process",
        "asked": [
            {"year": year, "due": ask.rounds[-1].due, "hours": ask.rounds[-1].hours}
            for year, ask in asks.items()
            if ask.rounds and not ask.dropped and year not in standing
        ],
        "surveys": [_survey(s, names) for s in standing.values()],
        "growth": [_comparison(c, names) for c in comparisons(standing)],
    }


def _survey(s: SurveyRecorded, names: dict[str, str]) -> dict[str, Any]:
    return {
        "year": s.year,
        "taken": s.taken,
        "instrument": s.instrument,
        "lowest": f"{s.lowest:f}",
        "highest": f"{s.highest:f}",
        "source": s.source,
        "corrected": str(s.reason) if s.reason else None,
        "results": [_mean(r, names) for r in s.results],
    }


def _mean(r: Mean, names: dict[str, str]) -> dict[str, Any]:
    return {
        "construct": r.of,
        "name": names.get(r.of, r.of),
        "mean": None if r.mean is None else f"{r.mean:f}",
        "answers": r.respondents,
    }


def _comparison(c: Comparison, names: dict[str, str]) -> dict[str, Any]:
    def grown(g: Growth) -> dict[str, Any]:
        return {
            "construct": g.construct,
            "name": names.get(g.construct, g.construct),
            "before": _mean(g.before, names) if g.before else None,
            "after": _mean(g.after, names) if g.after else None,
            "change": None if g.change is None else f"{g.change:f}",
            "percent": None if g.percent is None else f"{g.percent:f}",
        }

    return {
        "earlier": c.earlier,
        "later": c.later,
        "comparable": c.why_not is None,
        "why_not": c.why_not,
        "percent": None if c.percent is None else f"{c.percent:f}",
        "constructs": [grown(g) for g in c.constructs],
    }


def survey_growth(
    *, survey: int = 2, as_known: AsKnown = None, as_true: AsTrue = None, json_: Json = False
) -> None:
    """Show the average growth of all LEAs that have a survey of a year and of the year before.

    Args:
        survey: The later of the two surveys; 2 compares year 2 with year 1.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    if not 2 <= survey <= LAST_SURVEY:
        fail(f"--survey {survey} cannot be: give a number from 2 to {LAST_SURVEY}.", REFUSED)
    known, true = _day(as_known, "--as-known"), _day(as_true, "--as-true")

    async def work(door: "Door") -> tuple[list[State], dict[str, str]]:
        from store.context import playbook, program
        from store.database import listed, queries
        from store.errors import Unreadable
        from store.portfolio import states

        async with door.pool.acquire() as connection:
            settings = await program(connection)
            rows = await listed(queries.engagements(connection, phase=None, person=None))
            names: dict[str, str] = {}
            for ref in sorted({row["playbook"] for row in rows}):
                try:
                    found = await playbook(connection, ref)
                except Unreadable as sick:
                    door.left_out.append(sick)
                    continue
                if found and found.surveys:
                    names |= {c.id: c.name for c in found.surveys.constructs}
        zone = ZoneInfo(settings.zone if settings else "UTC")
        await not_to_come(door, zone, known, true)
        async with door.pool.acquire() as connection:
            every = states(
                connection,
                zone=zone.key,
                known_by=end_of(known, zone) if known else None,
                true_by=end_of(true, zone) if true else None,
                left_out=door.left_out,
            )
            return [state async for state in every if state.of(Surveys).standing], names

    surveyed, names = run(work)
    found = growth_of(surveyed, names, survey)
    if json_:
        emit_json(found)
        return
    if not found["leas"]:
        print(f"No LEA has comparable surveys of year {survey - 1} and year {survey} yet.")
    else:
        _growth_table(found, survey)
    for other in found["not_compared"]:
        print(f"Not compared: {other['engagement']}, {other['why_not']}")
    if found["illustrative"]:
        count = counted(found["illustrative"], "LEA")
        print(f"ILLUSTRATIVE: the figures of {count} are invented.")
    print(APART + " ENGAGEMENT")


def _growth_table(found: dict[str, Any], year: int) -> None:
    emit_table(
        f"Growth from year {year - 1} to year {year}: {counted(found['leas'], 'LEA')}",
        ("Construct", "Average growth", "LEAs"),
        [(c["name"], _signed(c["percent"], "%"), c["leas"]) for c in found["constructs"]],
    )
    print(f"On average {_signed(found['percent'], '%')} over {counted(found['leas'], 'LEA')}")


def growth_of(states: list[State], names: dict[str, str], year: int) -> dict[str, Any]:
    """The average growth over engagements as plain data, each LEA once: its latest counts."""
    compared: dict[str, tuple[State, Comparison]] = {}
    not_compared = []
    for state in sorted(states, key=lambda s: str(s.of(Engagement).opened_at)):
        for c in comparisons(state.of(Surveys).standing):
            if (c.earlier, c.later) != (year - 1, year):
                continue
            if c.why_not:
                not_compared.append({"engagement": state.id, "why_not": c.why_not})
            else:
                compared[state.of(Engagement).lea] = state, c
    every = [c for _, c in compared.values()]
    constructs = dict.fromkeys((*names, *(g.construct for c in every for g in c.constructs)))
    whole = average(c.exact for c in every)

    def of(name: str) -> dict[str, Any]:
        found = average(g.exact for c in every for g in c.constructs if g.construct == name)
        return {
            "construct": name,
            "name": names.get(name, name),
            "percent": None if found.percent is None else f"{found.percent:f}",
            "leas": found.leas,
        }

    return {
        "kind": "process",
        "earlier": year - 1,
        "later": year,
        "percent": None if whole.percent is None else f"{whole.percent:f}",
        "leas": whole.leas,
        "illustrative": sum(s.of(Engagement).illustrative for s, _ in compared.values()),
        "constructs": [of(name) for name in constructs],
        "not_compared": not_compared,
    }

"""Surveys from a file, and the growth that they show: of one LEA and of all of them."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cli.sheets.results import How, Result, report, writable
from cli.terminal.dates import AsKnown, AsTrue, checked, day_typed
from cli.terminal.nouns import noun
from cli.terminal.options import explain
from cli.terminal.output import REFUSED, emit_json, emit_table, fail, say_if_illustrative
from cli.terminal.receipts import given, tell
from cli.terminal.session import Json, Switch, run, who_acts
from cli.terminal.tables import read_table
from cli.verbs import Date, Verbs
from domain.envelope import Receipt
from domain.kernel.refusals import Invalid
from domain.kernel.wording import counted, spoken
from domain.surveys.means import Mean
from domain.surveys.surveys import LAST_SURVEY, RecordSurvey
from queries.names import Names

if TYPE_CHECKING:
    from bootstrap.door import Door
    from queries.surveys import ComparisonShown, GrowthOfAll, MeanShown, SurveyShown


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
    sheet: str | None = None,
    results: Path | None = None,
    json_: Json = False,
) -> None:
    """Record a year's survey from a spreadsheet, XLSX, CSV or YAML: of answers, or of means.

    A file of answers has one respondent a row and one construct a column, blank where nothing
    was answered; it is brought to means here, and nothing but the means leaves this machine.
    A file of means has the columns construct, mean and answers. Names and every other column
    are refused: take them out before.

    Args:
        engagement: The engagement's id, or any name of its LEA.
        file: An Excel workbook, a CSV file with a header, or a YAML list.
        survey: Which survey, by its year: 1 for the first.
        on: The day on which it was taken (YYYY-MM-DD).
        instrument: The questionnaire, as the playbook calls it; its last one if left out.
        source: Where the means stand.
        reason: Why it takes the place of what is recorded for the year.
        illustrative: Mark what this records as illustrative.
        dry_run: Report every row and write nothing.
        skip_refused: Record the survey without the rows that are refused.
        sheet: Which sheet of a workbook; the first one with such headings if left out.
        results: Write the result of every row into this file, .csv or .xlsx.
        json_: One JSON object a row.
    """
    from queries.surveys import mean_data, means_of

    writable(results, file)
    table = read_table(file, sheet=sheet)
    content, numbers = [row.values for row in table], [row.number for row in table]
    taken: date = checked(date, on, "--on")
    actor = who_acts()

    async def work(door: "Door") -> tuple[list[Result], Receipt | None, list[Mean], Names]:
        from bootstrap.door import new_command_id
        from queries.seen import standing_of

        now = await door.now()
        state, context = await standing_of(door, engagement)
        found, wrong = means_of(content, instrument, state, context)
        outcomes = [
            Result(numbers[n - 1], "survey record", "refused", why) for n, why in wrong.items()
        ]
        good = [number for n, number in enumerate(numbers, start=1) if n not in wrong]
        body = {
            "engagement": state.id, "year": survey, "taken": taken, "result": found,
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
                receipt = await given(door, envelope)
                unchanged = receipt.outcome == "recorded" and not receipt.events
                outcome = "recorded before" if unchanged else receipt.outcome
        outcomes += [Result(n, "survey record", outcome, "") for n in good]
        names = Names(door)
        await names.learn(receipt.message if receipt else None)
        return sorted(outcomes, key=lambda r: r.number), receipt, found, names

    outcomes, receipt, means, names = run(work, commands=True)
    if receipt and receipt.outcome == "refused":
        # The survey as a whole: no row of it is to blame.
        tell(receipt, [], names, as_json=json_)
    if means and not json_:
        print("It comes to: " + ", ".join(f"{m.of} {_cell(mean_data(m, {}))}" for m in means))
    how = How(dry_run, skip_refused, sheet=sheet, results=results, as_json=json_)
    # Of answers nobody is named, whatever the rows say.
    report(file, outcomes, names, {}, how)


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
    from queries.surveys import surveys_of

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    data = run(lambda door: surveys_of(door, engagement, known, true))
    if json_:
        emit_json(data)
        return
    if not data.surveys:
        print(
            f"{data.engagement} has no survey yet. Ask the LEA for one: handrail survey ask "
            f"{data.engagement} --due DATE --hours HOURS"
        )
        return
    shown = data.growth or [_alone(data.surveys[-1])]
    for g in shown:
        earlier, later = g.earlier, g.later
        emit_table(
            f"{data.engagement}: how people say they work, year {later}"
            + (f" beside year {earlier}" if earlier else ""),
            ("Construct", *([f"Year {earlier}"] if earlier else []), f"Year {later}",
             *(("Change", "Growth") if earlier else ())),
            [
                (
                    c.name,
                    *([_cell(c.before)] if earlier else []),
                    _cell(c.after),
                    *((_signed(c.change), _signed(c.percent, "%")) if earlier else ()),
                )
                for c in g.constructs
            ],
        )  # fmt: skip
        if g.why_not:
            print(f"Year {earlier} and year {later} cannot be compared: {g.why_not}.")
        elif g.percent is not None:
            print(f"Average growth: {_signed(g.percent, '%')}")
    for s in data.surveys:
        corrected = f"; corrected: {s.corrected}" if s.corrected else ""
        print(
            f"Year {s.year}: taken {spoken(s.taken)}, {s.instrument}, {s.lowest} to "
            f"{s.highest}{corrected}"
        )
    print(APART + f" {data.engagement}")
    say_if_illustrative(data.illustrative)


def _alone(survey: "SurveyShown") -> "ComparisonShown":
    """A survey with none before it, as a comparison is shown."""
    from queries.surveys import ComparisonShown, GrowthShown

    rows = tuple(GrowthShown(r.construct, r.name, None, r, None, None) for r in survey.results)
    return ComparisonShown(0, survey.year, comparable=False, why_not=None, percent=None,
                           constructs=rows)  # fmt: skip


def _cell(mean: "MeanShown | None") -> str:
    if mean is None:
        return "–"
    if mean.mean is None:
        return f"too few answers ({mean.answers})"
    return f"{mean.mean} ({mean.answers})"


def _signed(number: str | None, unit: str = "") -> str:
    if number is None:
        return "–"
    return f"{number if number.startswith('-') else '+' + number}{unit}"


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
    from queries.surveys import growth

    if not 2 <= survey <= LAST_SURVEY:
        fail(f"--survey {survey} cannot be: give a number from 2 to {LAST_SURVEY}.", REFUSED)
    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    found = run(lambda door: growth(door, survey, known, true))
    if json_:
        emit_json(found)
        return
    if not found.leas:
        print(f"No LEA has comparable surveys of year {survey - 1} and year {survey} yet.")
    else:
        _growth_table(found, survey)
    for other in found.not_compared:
        print(f"Not compared: {other.engagement}, {other.why_not}")
    if found.illustrative:
        count = counted(found.illustrative, "LEA")
        print(f"ILLUSTRATIVE: the figures of {count} are invented.")
    print(APART + " ENGAGEMENT")


def _growth_table(found: "GrowthOfAll", year: int) -> None:
    emit_table(
        f"Growth from year {year - 1} to year {year}: {counted(found.leas, 'LEA')}",
        ("Construct", "Average growth", "LEAs"),
        [(c.name, _signed(c.percent, "%"), c.leas) for c in found.constructs],
    )
    print(f"On average {_signed(found.percent, '%')} over {counted(found.leas, 'LEA')}")


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of them."""
    return [
        f"Survey of year {s['year']}: taken {spoken(s['taken'])}, "
        f"{counted(s['constructs'], 'construct')} (handrail survey show {found['engagement']})"
        for s in found["surveys"]
    ]

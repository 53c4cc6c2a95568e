"""The focus of an engagement as people see it, and Dashboards from a table."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cli.imports import Row, Shape, carry_out, headings_for
from cli.sheets.refs import engagements_by_code
from cli.sheets.results import How
from cli.sheets.state import DASHBOARD_HEADINGS, Skip, cds_of, shaped_result
from cli.sheets.values import Order
from cli.terminal.dates import AsKnown, AsTrue
from cli.terminal.nouns import noun
from cli.terminal.output import emit_json
from cli.terminal.session import Json, Switch, run
from cli.terminal.tables import read_table
from cli.verbs import Parameter, Verbs
from domain.focus.dashboard import RecordDashboard
from domain.focus.measures import MEASURE_KINDS
from domain.kernel.wording import spoken
from queries.names import Names
from queries.refs import engagement_named

if TYPE_CHECKING:
    from bootstrap.door import Door


def register(app: Verbs) -> None:
    """Add what is asked of the focus, and the import of Dashboards."""
    noun(app, "focus").command(focus_show, name="show")
    noun(app, "dashboard").command(dashboard_import, name="import")


def focus_show(
    engagement: str,
    /,
    *,
    as_known: AsKnown = None,
    as_true: AsTrue = None,
    json_: Json = False,
) -> None:
    """Show the focus: its lineage with alignment, the measures and the Dashboards.

    Args:
        engagement: The engagement's id, or any name of its LEA.
        as_known: Only what had been entered by the end of this day.
        as_true: Only what had come true by the end of this day.
        json_: One JSON object.
    """
    from cli.terminal.dates import day_typed
    from queries.focus import focus_of

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    found, names = run(lambda door: focus_of(door, engagement, known, true))
    if json_:
        for part in ("lineage", "root_causes", "theories"):
            for entry in found[part]:
                entry |= {who: names.handle(entry[who]) for who in ("by", "said_by")}
        emit_json(found)
        return
    print(as_text(found, names))


def _span(e: dict[str, Any]) -> str:
    until = f"until {spoken(e['until'])}" if e["until"] else "holds now"
    return f"since {spoken(e['since'])}, {until}"


def _entry_lines(e: dict[str, Any], names: Names, indent: str, label: str) -> Iterable[str]:
    said = f", said by {names.of(e['said_by'])} ({e['evidence']})" if e["said_by"] else ""
    yield f"{indent}{label}{e['id']}, {_span(e)}{said}: {e['text']}"
    if e.get("equity"):
        yield f"{indent}   equity: {e['equity']}"
    if e["reason"]:
        yield f"{indent}   why: {e['reason']}"
    if e["ended_because"]:
        yield f"{indent}   ended: {e['ended_because']}"


def as_text(found: dict[str, Any], names: Names) -> str:
    """The focus of an engagement for reading."""
    lines = [f"{found['engagement']}: {found['lea_name']}, focus"]
    if found["illustrative"]:
        lines.append("ILLUSTRATIVE: what stands here is invented, not a fact about the LEA.")
    if not found["lineage"]:
        lines.append(
            f'  No problem of practice yet. Set it: handrail focus set {found["engagement"]} "TEXT"'
        )
    told: set[int] = set()
    for p in found["lineage"]:
        lines += _entry_lines(p, names, "", "")
        for part, ids, label in (
            ("root_causes", p["root_causes"], "root cause "),
            ("theories", p["theories"], "theory of action "),
        ):
            for e in found[part]:
                # What ended is told where it held first, not again under every later problem.
                if e["id"] in ids and id(e) not in told:
                    if e["until"]:
                        told.add(id(e))
                    lines += _entry_lines(e, names, "   ", label)
        lines += [f"   {_judgement(a)}" for a in p["alignment"]]
    for kind in MEASURE_KINDS:
        if found["measures"][kind]:
            lines.append(f"{kind.capitalize()} measures:")
        for m in found["measures"][kind]:
            lines += _measure_lines(m)
    for d in found["dashboards"]:
        lines.append(f"Dashboard {d['year']}, known since {spoken(d['known_since'])}:")
        for indicator, results in groupby(
            sorted(d["results"], key=lambda r: str(r["indicator"])), lambda r: r["indicator"]
        ):
            lines.append(f"   {indicator}: " + "; ".join(_result(r) for r in results))
        if not d["alignment"]:
            lines.append(
                f"   Not judged yet: handrail focus align {found['engagement']} "
                f"--year {d['year']} --verdict VERDICT --basis TEXT"
            )
    return "\n".join(lines)


def _judgement(a: dict[str, Any]) -> str:
    computed = f", computed {a['computed']}" if a["computed"] else ""
    changed = f" Changed: {a['reason']}" if a["reason"] else ""
    return (
        f"Dashboard {a['year']}: aligned {a['verdict']}{computed} ({spoken(a['on'])}): {a['why']}"
        f"{changed}"
    )


def _result(r: dict[str, Any]) -> str:
    shown = r["result"] or ("no colour" if r["no_colour"] else "not stated")
    before = f" (before: {', '.join(r['before'])})" if r["before"] else ""
    return f"{r['group']} {shown}{before}"


def _measure_lines(m: dict[str, Any]) -> Iterable[str]:
    *former, now = m["definitions"]
    unit = f" {now['unit']}" if now["unit"] else ""
    baseline = "an unknown baseline" if now["baseline"] is None else now["baseline"]
    early = f", not before {spoken(now['not_before'])}" if now["not_before"] else ""
    state = f"dropped {spoken(m['dropped'])}: {m['drop_reason']}" if m["dropped"] else m["standing"]
    yield f"   {m['id']} {now['title']}: from {baseline} to {now['target']}{unit}{early}; {state}"
    for i, d in enumerate(former):
        yield (
            f"      until {spoken(d['until'])}: {d['title']}, from {d['baseline'] or 'unknown'} to "
            f"{d['target']}; changed because {m['definitions'][i + 1]['reason']}"
        )
    for o in m["observations"]:
        early = ", too early to judge" if o["too_early"] else ""
        before = f" (before: {', '.join(o['before'])})" if o["before"] else ""
        yield f"      {spoken(o['on'])}: {o['value']}{before}{early}"


def dashboard_import(
    engagement: Annotated[str, Parameter(allow_leading_hyphen=True)],
    file: Path,
    /,
    *,
    year: int | None = None,
    indicator: str | None = None,
    reason: str | None = None,
    dry_run: Switch = False,
    skip_refused: Switch = False,
    strict: Switch = False,
    sheet: str | None = None,
    dates: Order | None = None,
    results: Path | None = None,
    json_: Json = False,
) -> None:
    """Record a year's Dashboard from a spreadsheet, XLSX, CSV or YAML, one result a row.

    Columns are indicator, group (blank for all students), colour (or result), and where they
    are not the same for the whole file year, source and engagement. "no colour" says that the
    Dashboard shows none; blank says that nobody stated it. The State's own files are read as they
    are: of all LEAs by the CDS code, with its letters for groups and its numbers for colours.

    Args:
        engagement: The engagement's id, or "-" where each row names its own.
        file: An Excel workbook, a CSV file with a header, or a YAML list.
        year: The Dashboard's year, where the rows do not say it.
        indicator: The indicator, where the rows do not say it: the State has a file for each.
        reason: Why results take the place of others recorded for the same year.
        dry_run: Report every row and write nothing.
        skip_refused: Write the good rows although others are refused.
        strict: Refuse columns that nobody needs, instead of skipping them.
        sheet: Which sheet of a workbook; the first one with such headings if left out.
        dates: The order in which days such as 3/9/2026 are written.
        results: Write the result of every row into this file, .csv or .xlsx.
        json_: One JSON object a row.
    """
    kind = RecordDashboard.kind()
    headings = headings_for(kind, DASHBOARD_HEADINGS)
    table = read_table(file, headings, strict=strict, sheet=sheet)
    codes = {code for row in table if (code := cds_of(row.values))}

    async def named(door: "Door") -> tuple[str | None, dict[str, str]]:
        name = None if engagement == "-" else await engagement_named(door, engagement)
        return name, await engagements_by_code(door, codes)

    name, by_code = run(named) if engagement != "-" or codes else (None, {})
    defaults = {"engagement": name, "year": year, "indicator": indicator, "reason": reason}
    how = How(dry_run, skip_refused, strict, sheet, dates, results, json_)
    shape = _shaped(defaults, by_code)
    carry_out(file, kind, how, table=table, shape=shape, join=_snapshots)


_RESULT = ("result", "colour", "color", "rating")


def _shaped(defaults: dict[str, Any], by_code: dict[str, str]) -> Shape:
    """Rows as `dashboard record` takes them: what is one result is gathered under its option."""

    def shape(row: dict[str, Any]) -> dict[str, Any] | Skip:
        said = {str(k).strip().casefold(): v for k, v in row.items()}
        said |= {option: value for option, value in defaults.items() if not said.get(option)}
        rest = shaped_result(said, defaults["engagement"], by_code)
        if isinstance(rest, Skip):
            return rest
        shown = [rest.pop(name) for name in _RESULT if name in rest]
        result = {
            "indicator": rest.pop("indicator"),
            "group": rest.pop("group"),
            "result": next((s for s in shown if s), None),
        }
        return {**rest, "result": [result]}

    return shape


def _snapshots(rows: list[Row]) -> list[Row]:
    """One row for each engagement and year: a Dashboard is recorded as one fact."""
    joined: dict[tuple[Any, ...], list[tuple[Row, RecordDashboard]]] = {}
    for row in rows:
        command = row.command
        assert isinstance(command, RecordDashboard)
        # Everything but the results is the same for the rows of one fact.
        alike = command.model_dump_json(exclude={"row"})
        joined.setdefault((alike, row.effective_on, row.illustrative), []).append((row, command))
    facts = []
    for parts in joined.values():
        first, command = parts[0]
        whole = command.model_copy(update={"row": tuple(r for _, c in parts for r in c.row)})
        facts.append(
            replace(
                first, command=whole, unordered="row", numbers=tuple(row.number for row, _ in parts)
            )
        )
    return facts


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of the focus that holds."""
    return list(_holding(found["focus"])) if found["focus"] else []


def _holding(focus: dict[str, Any]) -> Iterable[str]:
    yield f"Focus {focus['focus']} since {spoken(focus['since'])}: {focus['problem']}"
    yield from (f"   {id_}: {text}" for id_, text in focus["root_causes"].items())
    if focus["theory"]:
        yield f"   theory of action: {focus['theory']}"
    for kind, measures in focus["measures"].items():
        yield from (f"   {kind} {id_} {m['title']}: {m['standing']}" for id_, m in measures.items())

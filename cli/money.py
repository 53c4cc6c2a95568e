"""Questions about money: what was invested, as reported and as it stands, and what is left."""

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cli.terminal.dates import AsKnown, day_typed
from cli.terminal.nouns import noun
from cli.terminal.output import REFUSED, emit_json, emit_table, fail, say_if_illustrative
from cli.terminal.session import Json, Switch, run
from cli.verbs import Verbs
from domain.kernel.wording import counted, dollars, spoken
from domain.money.investments import (
    InvestmentTerms,
)
from domain.money.money import exact
from domain.policy.calendar import local_date

if TYPE_CHECKING:
    from queries.money import AppropriationShown, Compared, Lapse


def register(app: Verbs) -> None:
    """Add every question about money."""
    noun(app, "investment").command(investment_list, name="list")
    noun(app, "appropriation").command(appropriation_list, name="list")
    noun(app, "appropriation").command(appropriation_show, name="show")


def investment_list(
    engagement: str | None = None,
    /,
    *,
    fiscal_year: str | None = None,
    outside: Switch = False,
    as_known: AsKnown = None,
    json_: Json = False,
) -> None:
    """Show investments by fiscal year: as reported, and as they stand now.

    Args:
        engagement: Only this engagement's; all of them if left out.
        fiscal_year: Only this fiscal year, for example 2026-27.
        outside: Only those that draw from no appropriation.
        as_known: As reported on this day (YYYY-MM-DD); as first recorded if left out.
        json_: One JSON object a line.
    """
    from queries.money import as_data, investments_of, totals

    if fiscal_year is not None and not re.fullmatch(r"20\d\d-\d\d", fiscal_year):
        fail(
            f"--fiscal-year {fiscal_year!r} is not a fiscal year. Write both its years, as in "
            f"2026-27.",
            REFUSED,
        )
    known = day_typed(as_known, "--as-known")

    found, zone = run(lambda door: investments_of(door, engagement, known))
    rows = [
        row
        for row in found
        if (fiscal_year is None or row.is_of(fiscal_year)) and (row.draws_from_none or not outside)
    ]
    rows.sort(key=_order)
    if json_:
        for row in rows:
            emit_json(as_data(row))
        return
    reported = f"As reported {known}" if known else "As first recorded"
    emit_table(
        counted(len(rows), "investment"),
        (
            "Fiscal year",
            "Engagement",
            "Id",
            "Made on",
            "Kind",
            "Purpose",
            "Drawn from",
            reported,
            "Now",
        ),
        [_row(row) for row in rows],
        empty="Record one: handrail investment add --help",
    )
    if not rows:
        return
    print()
    sums = totals(rows, fiscal_year)
    emit_table(
        "By fiscal year and kind",
        ("Fiscal year", "Kind", reported, "Now"),
        [(year, kind, dollars(then), dollars(now)) for (year, kind), (then, now) in sums.items()]
        + [("All", "", *(dollars(sum((s[i] for s in sums.values()), Decimal(0))) for i in (0, 1)))],
    )
    for row in rows:
        for entered, correction in row.one.corrected:
            when = spoken(local_date(entered, zone.key))
            print(f"{row.engagement} {correction.sentence()} Entered {when}.")
        if row.one.withdrawn:
            print(f"{row.engagement} {row.one.withdrawn.sentence()}")
    say_if_illustrative(any(row.one.reported.illustrative for row in rows))


def _order(row: "Compared") -> tuple[str, str, date, int]:
    from queries.money import NOT_STATED

    terms = row.now or row.reported or row.one.terms
    number = int(row.one.investment.removeprefix("INV-"))
    return (terms.fiscal_year or NOT_STATED, row.engagement, row.made_on, number)


def _row(row: "Compared") -> tuple[str, ...]:
    from queries.money import NOT_STATED

    terms = row.now or row.reported or row.one.terms
    about = "about " if row.one.reported.approximate else ""

    def amount(of: InvestmentTerms | None, nothing: str) -> str:
        if of is None:
            return nothing
        other = f" ({of.fiscal_year})" if of.fiscal_year not in (None, terms.fiscal_year) else ""
        return f"{about}{dollars(of.amount)}{other}"

    return (
        terms.fiscal_year or NOT_STATED,
        row.engagement,
        row.one.investment,
        str(row.made_on),
        terms.category or "–",
        terms.purpose,
        terms.appropriation or "–",
        amount(row.reported, "–"),
        amount(row.now, "withdrawn"),
    )


def appropriation_list(*, as_known: AsKnown = None, json_: Json = False) -> None:
    """Show every appropriation: what it holds, what is invested, what is left, when it expires.

    Args:
        as_known: As known at the end of this day (YYYY-MM-DD).
        json_: One JSON object a line.
    """
    from queries.money import appropriations

    known = day_typed(as_known, "--as-known")
    rows, outside = run(lambda door: appropriations(door, known))
    if json_:
        for row in rows:
            emit_json(row)
        return
    emit_table(
        counted(len(rows), "appropriation"),
        ("Appropriation", "Amount", "Invested", "Left", "By fiscal year", "From", "Until", "State"),
        [
            (
                row.appropriation,
                *(dollars(Decimal(of)) for of in (row.amount, row.invested, row.left)),
                _years(row) or "–",
                row.from_,
                row.until,
                row.standing,
            )
            for row in rows
        ],
        empty="A Director records one: handrail appropriation record --help",
    )
    if outside:
        print(f"{outside}: handrail investment list --outside")


def _years(row: "AppropriationShown") -> str:
    years = row.by_fiscal_year.items()
    return ", ".join(f"{year} {dollars(Decimal(amount))}" for year, amount in years)


def _lapse(gone: "Lapse | None") -> str | None:
    return f"{dollars(Decimal(gone.amount))}: {gone.reason}" if gone else None


def _reminders(row: "AppropriationShown") -> str | None:
    told = ", ".join(f"{n} {status}" for status, n in row.reminders.items())
    return f"{told}; each of them: handrail ledger {row.appropriation}" if told else None


def appropriation_show(
    appropriation: str, /, *, as_known: AsKnown = None, json_: Json = False
) -> None:
    """Show one appropriation with every investment that draws from it.

    Args:
        appropriation: Its id, for example dta-2026.
        as_known: As known at the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    from queries.money import NOT_STATED
    from queries.money import appropriation as found

    known = day_typed(as_known, "--as-known")
    row, drawn = run(lambda door: found(door, appropriation, known))
    if json_:
        investments = [
            {
                "engagement": c.engagement,
                "investment": c.investment,
                "amount": exact(c.amount),
                "fiscal_year": c.fiscal_year,
                "made_on": c.on,
            }
            for c in drawn
        ]
        emit_json({**row.dumped(), "investments": investments})
        return
    print(f"{row.appropriation}: {dollars(Decimal(row.amount))}, {row.standing}")
    for label, value in (
        ("Source", row.source),
        ("Statute", row.statute),
        ("May be committed", f"{spoken(row.from_)} to {spoken(row.until)}"),
        ("May be paid until", spoken(row.spend_until)),
        ("Invested", dollars(Decimal(row.invested)) + (f" ({y})" if (y := _years(row)) else "")),
        ("Left", dollars(Decimal(row.left))),
        ("May lapse", _lapse(row.may_lapse)),
        ("Reminders", _reminders(row)),
    ):
        print(f"  {label}: {value or '–'}")
    if drawn:
        emit_table(
            "Investments",
            ("Engagement", "Id", "Made on", "Fiscal year", "Amount"),
            [
                (c.engagement, c.investment, c.on, c.fiscal_year or NOT_STATED, dollars(c.amount))
                for c in sorted(drawn, key=lambda c: (c.on, c.engagement, c.investment))
            ],
        )
    say_if_illustrative(row.illustrative)


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of it."""
    return [investment_line(i) for i in found["investments"]]


def investment_line(i: dict[str, Any]) -> str:
    """One investment of an engagement, for reading."""
    about = "about " if i["approximate"] else ""
    line = f"{i['investment']}: {about}{dollars(Decimal(i['amount']))}"
    line += f" for {i['purpose']}"
    line += f", {i['fiscal_year']}" if i["fiscal_year"] else ""
    if i["corrected"]:
        first = f", first recorded as {dollars(Decimal(i['reported']))}"
        line += f" (corrected {spoken(i['corrected'][-1])}"
        line += (first if i["reported"] != i["amount"] else "") + ")"
    return line + (f" – withdrawn: {i['withdrawn']}" if i["withdrawn"] else "")

"""Questions about money: what was invested, as reported and as it stands, and what is left."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from cli.asking import Json, counted, engagement_named, run, say_if_illustrative
from cli.nouns import noun
from cli.output import REFUSED, emit_json, emit_table, fail
from cli.reading import AsKnown, _day, _zone, end_of, not_to_come
from cli.unappropriated import told
from cli.verbs import Parameter, Verbs
from domain.kernel.messages import Recorded, State
from domain.kernel.refusals import Unknown, did_you_mean
from domain.kernel.wording import dollars
from domain.money.appropriations import Appropriation, AppropriationTerms
from domain.money.expiry import LET_LAPSE, Expiry, over
from domain.money.investments import (
    Investment,
    InvestmentAdded,
    InvestmentCorrected,
    Investments,
    InvestmentTerms,
    InvestmentWithdrawn,
)
from domain.money.money import exact
from domain.policy.calendar import local_date, spoken
from domain.reminders.notices import Notices

if TYPE_CHECKING:
    from bootstrap.door import Door

Switch = Annotated[bool, Parameter(negative="", show_default=False)]
NOT_STATED = "not stated"


def register(app: Verbs) -> None:
    """Add every question about money."""
    noun(app, "investment").command(investment_list, name="list")
    noun(app, "appropriation").command(appropriation_list, name="list")
    noun(app, "appropriation").command(appropriation_show, name="show")


@dataclass(frozen=True)
class Compared:
    """One investment, as it was reported and as it stands."""

    engagement: str
    one: Investment
    made_on: date
    reported: InvestmentTerms | None
    """As known on the day asked for, or as first recorded; None where it stood in no report."""
    now: InvestmentTerms | None
    """None once it is withdrawn."""

    @property
    def draws_from_none(self) -> bool:
        """Whether it stands, and outside every appropriation."""
        return self.now is not None and self.now.appropriation is None

    def is_of(self, fiscal_year: str) -> bool:
        """Whether it was reported in a fiscal year or stands in it."""
        return any(
            t is not None and t.fiscal_year == fiscal_year for t in (self.reported, self.now)
        )


def compared(
    engagement: str, now: Investments, then: Investments | None, zone: ZoneInfo
) -> list[Compared]:
    """Every investment of an engagement, beside what a report of an earlier day said of it.

    Args:
        then: As known on that day; None compares with what was first recorded.
    """
    rows = []
    for one in now.all:
        known = one if then is None else then.of(one.investment)
        reported = one.reported.terms if then is None else _stands(known)
        on = local_date(one.since, zone.key)
        rows.append(Compared(engagement, one, on, reported, _stands(one)))
    return rows


def _stands(one: Investment | None) -> InvestmentTerms | None:
    return None if one is None or one.withdrawn else one.terms


def totals(
    rows: Iterable[Compared], fiscal_year: str | None
) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """By fiscal year and kind: the sum as reported, and as it stands."""
    found: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for row in rows:
        for terms, is_now in ((row.reported, False), (row.now, True)):
            if terms is None or fiscal_year not in (None, terms.fiscal_year):
                continue
            key = (terms.fiscal_year or NOT_STATED, terms.category or NOT_STATED)
            reported, now = found.get(key, (Decimal(0), Decimal(0)))
            found[key] = (
                (reported, now + terms.amount) if is_now else (reported + terms.amount, now)
            )
    return dict(sorted(found.items()))


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
    if fiscal_year is not None and not re.fullmatch(r"20\d\d-\d\d", fiscal_year):
        fail(
            f"--fiscal-year {fiscal_year!r} is not a fiscal year. Write both its years, as in "
            f"2026-27.",
            REFUSED,
        )
    known = _day(as_known, "--as-known")

    async def work(door: "Door") -> tuple[list[Compared], ZoneInfo]:
        from store.errors import Unreadable
        from store.events import folded, read_each, read_stream

        zone = await _zone(door)
        await not_to_come(door, zone, known)
        rows: list[Compared] = []

        def add(stream: str, history: list[Recorded]) -> None:
            by = end_of(known, zone) if known else None
            then = [r for r in history if by and r.stamp.recorded_at <= by]
            now = folded(stream, history)
            before = folded(stream, then).of(Investments) if known else None
            rows.extend(compared(now.id, now.of(Investments), before, zone))

        one = await engagement_named(door, engagement) if engagement is not None else None
        async with door.pool.acquire() as connection:
            if one is not None:
                stream = f"engagement:{one}"
                add(stream, await read_stream(connection, door.vault, stream))
            else:
                types = [InvestmentAdded.type, InvestmentCorrected.type, InvestmentWithdrawn.type]
                every = read_each(connection, door.vault, "engagement", only=types)
                async for stream, history in every:
                    try:
                        if isinstance(history, Unreadable):
                            raise history
                        add(stream, history)
                    except Unreadable as sick:
                        door.left_out.append(sick)
        return rows, zone

    found, zone = run(work)
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


def _order(row: Compared) -> tuple[str, str, date, int]:
    terms = row.now or row.reported or row.one.terms
    number = int(row.one.investment.removeprefix("INV-"))
    return (terms.fiscal_year or NOT_STATED, row.engagement, row.made_on, number)


def _row(row: Compared) -> tuple[str, ...]:
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


def as_data(row: Compared) -> dict[str, Any]:
    """One investment for a program."""
    one = row.one
    return {
        "engagement": row.engagement,
        "investment": one.investment,
        "made_on": row.made_on,
        "reported": _terms(row.reported),
        "now": _terms(row.now),
        "focus": one.reported.focus,
        "approximate": one.reported.approximate,
        "source": one.reported.source,
        "corrections": [
            {"entered_at": at, "before": _terms(c.before), "reason": str(c.reason)}
            for at, c in one.corrected
        ],
        "withdrawn": str(one.withdrawn.reason) if one.withdrawn else None,
        "illustrative": one.reported.illustrative,
    }


def _terms(terms: InvestmentTerms | None) -> dict[str, Any] | None:
    if terms is None:
        return None
    return {
        "amount": exact(terms.amount),
        "fiscal_year": terms.fiscal_year,
        "kind": terms.category,
        "purpose": terms.purpose,
        "appropriation": terms.appropriation,
    }


def expiry(terms: AppropriationTerms, today: date) -> str:
    """How long money may still be committed, or paid."""
    if today < terms.first:
        return f"begins in {counted((terms.first - today).days, 'day')}"
    for last, said in ((terms.until, "expires"), (terms.spend_until, "closed; paying ends")):
        days = (last - today).days
        if days >= 0:
            return f"{said} {'today' if days == 0 else 'in ' + counted(days, 'day')}"
    return f"expired {spoken(terms.spend_until)}"


def _money(state: State, today: date) -> dict[str, Any]:
    found = state.of(Appropriation)
    terms = found.terms
    assert terms is not None
    return {
        "appropriation": state.id,
        "amount": exact(terms.amount),
        "invested": exact(found.invested),
        "left": exact(terms.amount - found.invested),
        "by_fiscal_year": {
            year or NOT_STATED: exact(amount) for year, amount in found.by_fiscal_year.items()
        },
        "from": terms.first,
        "until": terms.until,
        "spend_until": terms.spend_until,
        "days_left": (terms.until - today).days,
        "standing": expiry(terms, today) + ("; may lapse" if over(state) == LET_LAPSE else ""),
        "may_lapse": {"amount": exact(gone.left), "reason": str(gone.reason)}
        if (gone := state.of(Expiry).let_go) and over(state) == LET_LAPSE
        else None,
        "reminders": dict(Counter(n.status for n in state.of(Notices).all.values())),
        "illustrative": found.illustrative,
        "source": terms.source,
        "statute": terms.statute,
    }


async def _appropriations(
    door: "Door", known: date | None, only: str | None = None
) -> tuple[dict[str, State], date]:
    from store.context import appropriations
    from store.errors import Unreadable
    from store.events import read_state

    zone = await _zone(door)
    await not_to_come(door, zone, known)
    now: datetime = await door.now()
    async with door.pool.acquire() as connection:
        ids = [*await appropriations(connection)]
        if only is not None and only not in ids:
            raise Unknown(
                f"There is no appropriation {only!r}. {did_you_mean(only, ids)}"
                f"See them all: handrail appropriation list"
            )
        states = {}
        for one in ids if only is None else [only]:
            stream = f"appropriation:{one}"
            by = end_of(known, zone) if known else None
            try:
                states[one] = await read_state(connection, door.vault, stream, known_by=by)
            except Unreadable as sick:
                if only is not None:
                    raise
                door.left_out.append(sick)
    there = {one: state for one, state in states.items() if state.of(Appropriation).terms}
    return there, known or local_date(now, zone.key)


def appropriation_list(*, as_known: AsKnown = None, json_: Json = False) -> None:
    """Show every appropriation: what it holds, what is invested, what is left, when it expires.

    Args:
        as_known: As known at the end of this day (YYYY-MM-DD).
        json_: One JSON object a line.
    """
    known = _day(as_known, "--as-known")

    async def work(door: "Door") -> tuple[dict[str, State], date, list[Any]]:
        from store.database import listed, queries

        async with door.pool.acquire() as connection:
            outside = await listed(queries.without_appropriation(connection))
        # Today's: the list of an earlier day tells of its appropriations alone.
        return *await _appropriations(door, known), [] if known else outside

    states, today, outside = run(work)
    rows = [_money(state, today) for state in states.values()]
    if json_:
        for row in rows:
            emit_json(row)
        return
    emit_table(
        counted(len(rows), "appropriation"),
        ("Appropriation", "Amount", "Invested", "Left", "By fiscal year", "From", "Until", "State"),
        [
            (
                row["appropriation"],
                *(dollars(Decimal(row[what])) for what in ("amount", "invested", "left")),
                _years(row) or "–",
                row["from"],
                row["until"],
                row["standing"],
            )
            for row in rows
        ],
        empty="A Director records one: handrail appropriation record --help",
    )
    if outside:
        print(f"{told(outside)}: handrail investment list --outside")


def _years(row: dict[str, Any]) -> str:
    years = row["by_fiscal_year"].items()
    return ", ".join(f"{year} {dollars(Decimal(amount))}" for year, amount in years)


def _lapse(gone: dict[str, str] | None) -> str | None:
    return f"{dollars(Decimal(gone['amount']))}: {gone['reason']}" if gone else None


def _reminders(row: dict[str, Any]) -> str | None:
    told = ", ".join(f"{n} {status}" for status, n in row["reminders"].items())
    return f"{told}; each of them: handrail ledger {row['appropriation']}" if told else None


def appropriation_show(
    appropriation: str, /, *, as_known: AsKnown = None, json_: Json = False
) -> None:
    """Show one appropriation with every investment that draws from it.

    Args:
        appropriation: Its id, for example dta-2026.
        as_known: As known at the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    known = _day(as_known, "--as-known")
    states, today = run(lambda door: _appropriations(door, known, appropriation))
    if not states:
        fail(f"{appropriation} was not recorded yet on that day. Ask for a later one.", REFUSED)
    [state] = states.values()
    row, drawn = _money(state, today), state.of(Appropriation).drawn
    if json_:
        investments = [
            {
                "engagement": c.engagement,
                "investment": c.investment,
                "amount": exact(c.amount),
                "fiscal_year": c.fiscal_year,
                "made_on": c.on,
            }
            for c in drawn.values()
        ]
        emit_json({**row, "investments": investments})
        return
    print(f"{row['appropriation']}: {dollars(Decimal(row['amount']))}, {row['standing']}")
    for label, value in (
        ("Source", row["source"]),
        ("Statute", row["statute"]),
        ("May be committed", f"{spoken(row['from'])} to {spoken(row['until'])}"),
        ("May be paid until", spoken(row["spend_until"])),
        ("Invested", dollars(Decimal(row["invested"])) + (f" ({y})" if (y := _years(row)) else "")),
        ("Left", dollars(Decimal(row["left"]))),
        ("May lapse", _lapse(row["may_lapse"])),
        ("Reminders", _reminders(row)),
    ):
        print(f"  {label}: {value or '–'}")
    if drawn:
        emit_table(
            "Investments",
            ("Engagement", "Id", "Made on", "Fiscal year", "Amount"),
            [
                (c.engagement, c.investment, c.on, c.fiscal_year or NOT_STATED, dollars(c.amount))
                for c in sorted(drawn.values(), key=lambda c: (c.on, c.engagement, c.investment))
            ],
        )
    say_if_illustrative(row["illustrative"])

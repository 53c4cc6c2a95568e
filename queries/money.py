"""What was invested, as reported and as it stands, and what is left of an appropriation."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.kernel.messages import Recorded, State
from domain.kernel.refusals import Unknown, did_you_mean
from domain.kernel.wording import counted, spoken
from domain.money.appropriations import Appropriation, AppropriationCharged, AppropriationTerms
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
from domain.policy.calendar import local_date
from domain.reminders.notices import Notices
from queries.answers import Answer
from queries.clocks import end_of, not_to_come, zone_of
from queries.refs import engagement_named
from queries.source import Source
from queries.unappropriated import told
from store.context import appropriations as entries
from store.database import listed, queries
from store.errors import Unreadable
from store.events import folded, read_each, read_state, read_stream

NOT_STATED = "not stated"


@dataclass(frozen=True)
class TermsShown(Answer):
    """What an investment was, by its terms."""

    amount: str
    fiscal_year: str | None
    kind: str | None
    purpose: str
    appropriation: str | None


@dataclass(frozen=True)
class CorrectedFrom(Answer):
    """What it was before a correction, and why."""

    entered_at: datetime
    before: TermsShown | None
    reason: str


@dataclass(frozen=True)
class InvestmentShown(Answer):
    """An investment, as reported and as it stands."""

    engagement: str
    investment: str
    made_on: date
    reported: TermsShown | None
    now: TermsShown | None
    focus: str | None
    approximate: bool
    source: str | None
    corrections: tuple[CorrectedFrom, ...]
    withdrawn: str | None
    illustrative: bool


@dataclass(frozen=True)
class Lapse(Answer):
    """What may lapse, and why."""

    amount: str
    reason: str


@dataclass(frozen=True)
class AppropriationShown(Answer):
    """An appropriation: what it holds, what is left, and until when."""

    appropriation: str
    amount: str
    invested: str
    left: str
    by_fiscal_year: dict[str, str]
    from_: date
    until: date
    spend_until: date
    days_left: int
    standing: str
    may_lapse: Lapse | None
    reminders: Mapping[str, int]
    illustrative: bool
    source: str
    statute: str | None


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


def as_data(row: Compared) -> InvestmentShown:
    """One investment for a program."""
    one = row.one
    return InvestmentShown(
        engagement=row.engagement,
        investment=one.investment,
        made_on=row.made_on,
        reported=_terms(row.reported),
        now=_terms(row.now),
        focus=one.reported.focus,
        approximate=one.reported.approximate,
        source=one.reported.source,
        corrections=tuple(
            CorrectedFrom(entered_at=at, before=_terms(c.before), reason=str(c.reason))
            for at, c in one.corrected
        ),
        withdrawn=str(one.withdrawn.reason) if one.withdrawn else None,
        illustrative=one.reported.illustrative,
    )


def _terms(terms: InvestmentTerms | None) -> TermsShown | None:
    if terms is None:
        return None
    return TermsShown(
        amount=exact(terms.amount),
        fiscal_year=terms.fiscal_year,
        kind=terms.category,
        purpose=terms.purpose,
        appropriation=terms.appropriation,
    )


def expiry(terms: AppropriationTerms, today: date) -> str:
    """How long money may still be committed, or paid."""
    if today < terms.first:
        return f"begins in {counted((terms.first - today).days, 'day')}"
    for last, said in ((terms.until, "expires"), (terms.spend_until, "closed; paying ends")):
        days = (last - today).days
        if days >= 0:
            return f"{said} {'today' if days == 0 else 'in ' + counted(days, 'day')}"
    return f"expired {spoken(terms.spend_until)}"


def appropriation_of(state: State, today: date) -> AppropriationShown:
    """An appropriation as it stands on a day."""
    found = state.of(Appropriation)
    terms = found.terms
    assert terms is not None
    return AppropriationShown(
        appropriation=state.id,
        amount=exact(terms.amount),
        invested=exact(found.invested),
        left=exact(terms.amount - found.invested),
        by_fiscal_year={
            year or NOT_STATED: exact(amount) for year, amount in found.by_fiscal_year.items()
        },
        from_=terms.first,
        until=terms.until,
        spend_until=terms.spend_until,
        days_left=(terms.until - today).days,
        standing=expiry(terms, today) + ("; may lapse" if over(state) == LET_LAPSE else ""),
        may_lapse=Lapse(amount=exact(gone.left), reason=str(gone.reason))
        if (gone := state.of(Expiry).let_go) and over(state) == LET_LAPSE
        else None,
        reminders=dict(Counter(n.status for n in state.of(Notices).all.values())),
        illustrative=found.illustrative,
        source=terms.source,
        statute=terms.statute,
    )


async def appropriations_known(
    source: Source, known: date | None, only: str | None = None
) -> tuple[dict[str, State], date]:
    """Every appropriation, or one, as known on a day; and that day."""
    zone = await zone_of(source)
    await not_to_come(source, zone, known)
    now: datetime = await source.now()
    async with source.pool.acquire() as connection:
        ids = [*await entries(connection)]
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
                states[one] = await read_state(connection, source.vault, stream, known_by=by)
            except Unreadable as sick:
                if only is not None:
                    raise
                source.left_out.append(sick)
    there = {one: state for one, state in states.items() if state.of(Appropriation).terms}
    return there, known or local_date(now, zone.key)


async def investments_of(
    source: Source, engagement: str | None, known: date | None
) -> tuple[list[Compared], ZoneInfo]:
    """Every investment, of one engagement or of all, beside what was reported by a day."""
    zone = await zone_of(source)
    await not_to_come(source, zone, known)
    rows: list[Compared] = []

    def add(stream: str, history: list[Recorded]) -> None:
        by = end_of(known, zone) if known else None
        then = [r for r in history if by and r.stamp.recorded_at <= by]
        now = folded(stream, history)
        before = folded(stream, then).of(Investments) if known else None
        rows.extend(compared(now.id, now.of(Investments), before, zone))

    one = await engagement_named(source, engagement) if engagement is not None else None
    async with source.pool.acquire() as connection:
        if one is not None:
            stream = f"engagement:{one}"
            add(stream, await read_stream(connection, source.vault, stream))
        else:
            types = [InvestmentAdded.type, InvestmentCorrected.type, InvestmentWithdrawn.type]
            every = read_each(connection, source.vault, "engagement", only=types)
            async for stream, history in every:
                try:
                    if isinstance(history, Unreadable):
                        raise history
                    add(stream, history)
                except Unreadable as sick:
                    source.left_out.append(sick)
    return rows, zone


async def appropriations(
    source: Source, known: date | None
) -> tuple[list[AppropriationShown], str | None]:
    """Every appropriation, and what is to be said of investments that draw from none."""
    async with source.pool.acquire() as connection:
        outside = await listed(queries.without_appropriation(connection))
    states, today = await appropriations_known(source, known)
    rows = [appropriation_of(state, today) for state in states.values()]
    # Today's: the list of an earlier day tells of its appropriations alone.
    return rows, told(outside) if outside and not known else None


async def appropriation(
    source: Source, name: str, known: date | None
) -> tuple[AppropriationShown, list[AppropriationCharged]]:
    """One appropriation, and what draws from it.

    Raises:
        Unknown: There is none, or it was not recorded yet on that day.
    """
    states, today = await appropriations_known(source, known, name)
    if not states:
        raise Unknown(f"{name} was not recorded yet on that day. Ask for a later one.")
    [state] = states.values()
    return appropriation_of(state, today), list(state.of(Appropriation).drawn.values())


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """What `engagement show` says of it."""

    def day(instant: datetime | None) -> date | None:
        return local_date(instant, zone.key) if instant else None

    return {
        "invested": exact(state.of(Investments).total),
        "investments": [
            {
                "investment": i.investment,
                "amount": exact(i.terms.amount),
                "approximate": i.reported.approximate,
                "purpose": i.terms.purpose,
                "fiscal_year": i.terms.fiscal_year,
                "kind": i.terms.category,
                "source": i.reported.source,
                "focus": i.reported.focus,
                "appropriation": i.terms.appropriation,
                "made_on": day(i.since),
                "reported": exact(i.reported.amount),
                "corrected": [day(at) for at, _ in i.corrected],
                "withdrawn": str(i.withdrawn.reason) if i.withdrawn else None,
            }
            for i in state.of(Investments).all
        ],
    }

"""How many summits a fiscal year has, against how many it is to have, and which are short."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from domain.kernel.wording import counted
from domain.policy.calendar import FiscalYears
from domain.policy.parts import SummitRules


@dataclass(frozen=True, slots=True)
class PlannedSummit:
    """One summit with its days."""

    id: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class SummitYear:
    """One fiscal year of summits."""

    fiscal_year: str
    planned: int
    wanted: int | None
    short: tuple[str, ...]
    """The summits that last fewer days than they are to."""
    days_at_least: int = 1

    def told(self) -> str:
        """The year in a sentence."""
        of = f" of {self.wanted}" if self.wanted else ""
        said = f"{self.fiscal_year}: {self.planned}{of} planned"
        if self.short:
            said += (
                f"; {' and '.join(self.short)} last"
                + ("s" if len(self.short) == 1 else "")
                + f" fewer than {counted(self.days_at_least, 'day')}"
            )
        return f"{said}."


def by_year(
    summits: Iterable[PlannedSummit], rules: SummitRules, years: FiscalYears
) -> list[SummitYear]:
    """Every fiscal year that has a summit, in order; whatever was called off is not given."""
    found: dict[str, list[PlannedSummit]] = {}
    for summit in summits:
        found.setdefault(years.of(summit.first), []).append(summit)
    return [
        SummitYear(
            year,
            len(planned),
            rules.per_year,
            tuple(s.id for s in planned if (s.last - s.first).days + 1 < rules.days_at_least),
            rules.days_at_least,
        )
        for year, planned in sorted(found.items())
    ]

"""The review, by docs/rules/review.md: waves of evidence, and the window for the facts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.domain.oracle.deliverables import Terms, Work, signature
from tests.domain.oracle.world import Debt, Subject, World


@dataclass
class Window:
    """The LEA's time to correct facts in a draft."""

    closes: date
    open: bool = True


class Review(Subject):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.waves: dict[str, Work] = {}
        self.windows: list[Window] = []
        self.final = False

    def sir_open(self, day: date, **_: Any) -> None:
        self.world.reaches("reviewing")

    def sir_wave_propose(self, day: date, *, due: date, hours: int, **_: Any) -> None:
        self.waves[f"W{len(self.waves) + 1}"] = Work(Terms(due, hours, day), hours=hours)

    def sir_wave_sign(self, day: date, *, wave: str, person: str | None = None, **_: Any) -> None:
        work = self.waves[wave]
        assert work.table
        work.table.signed.add("lea" if person else "agency")
        if work.table.signed == {"lea", "agency"}:
            work.agree()

    def sir_wave_redate(
        self, day: date, *, wave: str, due: date, hours: int | None = None, **_: Any
    ) -> None:
        work = self.waves[wave]
        work.table = Terms(due, work.would_be()[1] if hours is None else hours, day)

    def sir_wave_receive(self, day: date, *, wave: str, **_: Any) -> None:
        self.waves[wave].state, self.waves[wave].table = "received", None

    def sir_wave_drop(self, day: date, *, wave: str, **_: Any) -> None:
        self.waves[wave].state, self.waves[wave].table = "dropped", None

    def sir_draft(self, day: date, **_: Any) -> None:
        within = self.world.book["review"]["factual_review_working_days"]
        self._close_windows()
        self.windows.append(Window(self.world.lea.count(day, within)))

    def sir_correct(self, day: date, **_: Any) -> None:
        self._close_windows()

    def sir_waive(self, day: date, **_: Any) -> None:
        self._close_windows()

    def sir_finalize(self, day: date, **_: Any) -> None:
        self._close_windows()
        self.final = True
        self.world.reaches("partnering")

    def _close_windows(self) -> None:
        for window in self.windows:
            window.open = False

    def names(self) -> list[str]:
        return list(self.waves)

    def owed(self) -> Iterator[Debt]:
        rules = self.world.book["review"]
        for item, work in self.waves.items():
            if self.final:
                continue
            if work.state == "agreed" and work.due:
                yield Debt(item, work.round, work.due, rules["wave_policy"], "lea_contact", "lea")
            yield from signature(item, work, self.world)
        for number, window in enumerate(self.windows, start=1):
            if window.open:
                name, policy = "SIR/factual-review", rules["factual_review_policy"]
                yield Debt(name, number, window.closes, policy, "lea_contact", "lea")

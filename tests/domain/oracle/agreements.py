"""Agreements, by docs/rules/agreements.md, with the alarms of docs/rules/boards.md."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from tests.domain.oracle.world import Debt, Side, Subject, World

FINAL = ("approved", "ratified")


@dataclass
class Meeting:
    """A meeting whose agenda is to be posted."""

    at: datetime
    act: str | None
    post_by: datetime | None
    posted: bool = False
    over: bool = False
    """The board acted, had no quorum, or takes it up at another meeting."""
    moved: bool = False
    """It was submitted for another meeting instead."""


@dataclass
class Item:
    """An agreement before one board."""

    state: str = "pending"
    acted: date | None = None
    meetings: list[Meeting] = field(default_factory=list)

    def ends(self) -> None:
        for meeting in self.meetings:
            meeting.over = True


@dataclass
class Agreement:
    kind: str
    until: date | None
    boards: dict[str, Item]
    effective: date | None = None

    @property
    def denied(self) -> bool:
        return any(item.state == "denied" for item in self.boards.values())

    @property
    def in_play(self) -> bool:
        return self.effective is None and not self.denied


class Agreements(Subject):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.all: dict[str, Agreement] = {}

    def agreement_draft(self, day: date, *, until: date | None = None, **more: Any) -> None:
        kind = more.get("type", "engagement")
        boards = {board["id"]: Item() for board in self.world.book["boards"]}
        self.all[f"A{len(self.all) + 1}"] = Agreement(kind, until, boards)
        if kind == "engagement":
            self.world.reaches("agreeing")

    def _named(self, agreement: str | None) -> Agreement:
        if agreement:
            return self.all[agreement]
        [only] = [a for a in self.all.values() if a.in_play]
        return only

    def agreement_act(
        self,
        day: date,
        *,
        board: str,
        action: str,
        meeting: date,
        next_meeting: date | None = None,
        next_at: time | None = None,
        agreement: str | None = None,
        **_: Any,
    ) -> None:
        of = self._named(agreement)
        item = of.boards[board]
        # What was signed under delegation stays signed when its ratification is continued.
        if not (action == "continued" and item.state == "signed"):
            item.state = action
        item.acted = meeting
        if action != "signed":
            item.ends()
        if next_meeting:
            self._moves_to(item, board, next_meeting, next_at)
        if all(other.state in FINAL for other in of.boards.values()):
            of.effective = max(other.acted for other in of.boards.values() if other.acted)
            if of.kind == "engagement":
                self.world.effective = of.effective
                self.world.reaches("onboarding")

    def board_submit(
        self,
        day: date,
        *,
        board: str,
        meeting: date,
        at: time,
        meeting_kind: str = "regular",
        act: str | None = None,
        agreement: str | None = None,
        **_: Any,
    ) -> None:
        item = self._named(agreement).boards[board]
        for other in item.meetings:
            other.moved = other.moved or not other.over
        item.ends()
        item.meetings.append(self._meeting(board, meeting, at, meeting_kind, act))

    def board_post(
        self,
        day: date,
        *,
        board: str,
        on: date,
        at: time,
        agreement: str | None = None,
        **_: Any,
    ) -> None:
        """A posting belongs to the first meeting after it."""
        item = self._named(agreement).boards[board]
        posted = datetime.combine(on, at, self.world.zone)
        after = [m for m in item.meetings if m.at >= posted and not m.moved]
        standing = [m for m in item.meetings if not m.over]
        (after or standing)[0].posted = True

    def board_no_quorum(
        self,
        day: date,
        *,
        board: str,
        next_meeting: date | None = None,
        next_at: time | None = None,
        agreement: str | None = None,
        **_: Any,
    ) -> None:
        item = self._named(agreement).boards[board]
        item.ends()
        if next_meeting:
            self._moves_to(item, board, next_meeting, next_at)

    def _moves_to(self, item: Item, board: str, day: date, at: time | None) -> None:
        """A regular meeting at the hour of the last, under the act that bound that."""
        if at is None and not item.meetings:
            return
        last = item.meetings[-1] if item.meetings else None
        hour = at or (last.at.astimezone(self.world.zone).time() if last else time(0))
        item.meetings.append(self._meeting(board, day, hour, "regular", last.act if last else None))

    def _meeting(self, board: str, day: date, at: time, kind: str, act: str | None) -> Meeting:
        posting = self.world.book["posting"]
        act = act or posting["boards"][board].get("act")
        begins = self.world.moment(day, at)
        if not act:
            return Meeting(begins, act, None)
        [binding] = [a for a in posting["acts"] if a["id"] == act]
        if days := binding.get(f"{kind}_days"):
            # Days end at the same hour of the clock.
            return Meeting(begins, act, self.world.moment(day - timedelta(days=days), at))
        return Meeting(begins, act, begins - timedelta(hours=binding[f"{kind}_hours"]))

    def names(self) -> list[str]:
        return list(self.all)

    def owed(self) -> Iterator[Debt]:
        posting = self.world.book["posting"]
        for name, agreement in self.all.items():
            for board, item in agreement.boards.items():
                clerk = posting["boards"][board]["clerk"]
                side: Side = "lea" if clerk == "board_clerk" else "agency"
                for number, meeting in enumerate(item.meetings, start=1):
                    if meeting.post_by and not (meeting.posted or meeting.over or agreement.denied):
                        yield Debt(
                            f"{name}/posting-{board}",
                            number,
                            self.world.day_of(meeting.post_by),
                            posting["policy"],
                            clerk,
                            side,
                            at=meeting.post_by,
                        )
        yield from self._renewals()

    def _renewals(self) -> Iterator[Debt]:
        rules = self.world.book["renewal"]
        drafted = [name for name, a in self.all.items() if a.kind == "renewal" and not a.denied]
        order = list(self.all)
        for name, agreement in self.all.items():
            renewed = any(order.index(other) > order.index(name) for other in drafted)
            lasting = agreement.kind in ("engagement", "renewal") and agreement.effective
            if lasting and agreement.until and not renewed:
                early = agreement.until - timedelta(days=rules["days_before"])
                by = self.world.agency.back(early)
                yield Debt(f"{name}/renewal", 1, by, rules["policy"], "lead", "agency")

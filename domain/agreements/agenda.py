"""A board's agenda: when it must be posted, worked back from the meeting by the act that binds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from domain.kernel.refusals import Unknown, did_you_mean
from domain.kernel.wording import counted
from domain.policy.calendar import WorkingDays, at_local, clock_trouble, spoken
from domain.policy.parts import BoardClock, OpenMeetingAct
from domain.rules.context import Context
from domain.rules.days import on_the_clock

MeetingKind = Literal["regular", "special"]


def clocked(instant: datetime, zone: str) -> str:
    """An instant as people write it: Mon 21 Sep 2026 18:00."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{spoken(local.date())} {local:%H:%M}"


class Posting(BaseModel):
    """A meeting with the deadline of its agenda, and what the deadline rested on."""

    model_config = ConfigDict(frozen=True)

    round: int
    """Counts the meetings of a board's item from 1."""
    meeting_at: datetime
    zone: str
    kind: MeetingKind = "regular"
    act: str | None = None
    """The act that binds the board; None while nobody has said which."""
    act_name: str | None = None
    hours: int | None = None
    days: int | None = Field(default=None, exclude_if=lambda v: v is None)
    """Where the act says days instead of hours."""
    post_by: datetime | None = None
    """By when the agenda must be posted; None without an act."""

    @property
    def meeting(self) -> date:
        """The local day of the meeting."""
        return self.meeting_at.astimezone(ZoneInfo(self.zone)).date()

    @property
    def hour(self) -> time:
        """The local hour of the meeting."""
        return self.meeting_at.astimezone(ZoneInfo(self.zone)).time()

    @property
    def notice(self) -> str:
        """How long before the meeting the act wants the agenda: 72 hours, or 10 days."""
        return counted(self.hours or 0, "hour") if self.days is None else counted(self.days, "day")

    @property
    def deadline(self) -> str:
        """The deadline with its reason, as the end of a sentence."""
        if self.post_by is None:
            return "no act is named for this board, so its agenda has no deadline"
        return (
            f"agenda posted by {clocked(self.post_by, self.zone)} "
            f"({self.notice} before a "
            f"{self.kind} meeting, {self.act_name})"
        )


@dataclass(frozen=True, slots=True)
class AgendaItem:
    """An agreement on the agenda of one meeting; the next meeting is another round."""

    round: int
    posting: Posting | None = None
    consent: bool = False
    pulled: bool = False
    posted_at: datetime | None = None
    ended: str | None = None
    """What became of it at its meeting; None while it stands on the agenda."""

    @property
    def on_consent(self) -> bool:
        """Whether it is still to be voted on with the rest of the consent agenda."""
        return self.consent and not self.pulled

    @property
    def late(self) -> bool:
        """Whether it was posted after its deadline."""
        by = self.posting.post_by if self.posting else None
        return bool(by and self.posted_at and self.posted_at > by)


Agenda = Mapping[int, AgendaItem]
"""A board's agenda items for one agreement, by round."""


def standing(agenda: Agenda) -> AgendaItem | None:
    """The item that stands on an agenda now; None when it is on none."""
    open_ = [item for item in agenda.values() if item.ended is None]
    return max(open_, key=lambda item: item.round, default=None)


def ended(agenda: Agenda, how: str) -> dict[int, AgendaItem]:
    """The agenda with whatever stands on it ended."""
    return {n: i if i.ended else replace(i, ended=how) for n, i in agenda.items()}


def changed(agenda: Agenda, round_: int, **values: object) -> dict[int, AgendaItem]:
    """The agenda with one item changed; made where facts folded by effective date come first."""
    known = agenda.get(round_, AgendaItem(round_))
    return {**agenda, round_: replace(known, **values)}  # type: ignore[arg-type]


def clock_of(board: str, context: Context) -> BoardClock:
    """What the playbook says about the clock of a board's agenda."""
    posting = context.the_playbook.posting
    return posting.boards.get(board, BoardClock()) if posting else BoardClock()


def act_named(name: str | None, board: str, context: Context) -> OpenMeetingAct | None:
    """The act that binds a board: the one named, or the playbook's.

    Raises:
        Unknown: The playbook knows no act of that name.
    """
    posting = context.the_playbook.posting
    acts = {a.id: a for a in posting.acts} if posting else {}
    wanted = name or clock_of(board, context).act
    if wanted is None:
        return None
    if wanted not in acts:
        raise Unknown(
            f"{wanted!r} is not an open-meeting act of {context.the_playbook.ref}. "
            f"{did_you_mean(wanted, acts)}The acts: {', '.join(acts) or 'none'}. Leave out --act "
            f"to use the board's own."
        )
    return acts[wanted]


def next_posting(
    agenda: Agenda, board: str, next_meeting: date, next_at: time | None, context: Context
) -> Posting | None:
    """The meeting that follows the last one of a board; None while nobody knows its hour.

    It is a regular one, under the act that bound the last.
    """
    before = agenda[max(agenda)].posting if agenda else None
    at = next_at or (before.hour if before else None)
    if at is None:
        return None
    act = act_named(before.act if before else None, board, context)
    return posting_for(agenda, next_meeting, at, "regular", act, context)


def posting_for(
    agenda: Agenda,
    meeting: date,
    at: time,
    kind: MeetingKind,
    act: OpenMeetingAct | None,
    context: Context,
) -> Posting:
    """A further meeting on a board's agenda, with its deadline worked back by the act."""
    round_ = max(agenda, default=0) + 1
    on_the_clock(meeting, at, "The meeting", context)
    meeting_at = at_local(meeting, at, context.zone)
    if act is None:
        return Posting(round=round_, meeting_at=meeting_at, zone=context.zone, kind=kind)
    hours, days = (
        (act.regular_hours, act.regular_days)
        if kind == "regular"
        else (act.special_hours, act.special_days)
    )
    return Posting(
        round=round_,
        meeting_at=meeting_at,
        zone=context.zone,
        kind=kind,
        act=act.id,
        act_name=act.name,
        hours=hours,
        days=days,
        post_by=_worked_back(
            meeting_at,
            hours or 0,
            days or 0,
            None if act.rest_days_count else context.agency_days,
            context.zone,
        ),
    )


def _worked_back(
    meeting_at: datetime, hours: int, days: int, working: WorkingDays | None, zone: str
) -> datetime:
    """So many hours and days earlier.

    Hours are elapsed hours, so a change of the clocks on the way moves the local hour; days keep
    it, and where that day's clock skips it the deadline is before the gap, never later.  Where
    rest days do not count, whole days are taken from working ones.
    """
    if working is None and not days:
        return meeting_at - timedelta(hours=hours)
    local = meeting_at.astimezone(ZoneInfo(zone))
    whole, rest = divmod(hours, 24)
    back = days + whole
    day = working.add(local.date(), -back) if working else local.date() - timedelta(days=back)
    clock = local.time()
    if clock_trouble(day, clock, zone) == "skipped":
        clock = clock.replace(fold=1)  # By the offset after the change: before the skipped hour.
    return at_local(day, clock, zone) - timedelta(hours=rest)

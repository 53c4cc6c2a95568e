"""A second, slower reading of docs/rules/reminders.md, against which the real rules are held.

Written from the rules pages and from packs/*.yaml alone: it imports nothing of the domain, goes
from day to day, and keeps in plain dictionaries who must be told what.  It knows deliverables and
the answers to them, the coaching contact, the first check-in, holds of everything the LEA owes,
recess, and the end of an engagement.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

PACKS = Path(__file__).parents[2] / "packs"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ONE_DAY = timedelta(days=1)

Told = tuple[str, int, str, date]
"""An item, its round (0 where the pages count none), the step, and the due date."""


def holidays(year: int) -> set[date]:
    """The days of a year that the agency keeps, by packs/calendars/california.yaml."""
    pack = yaml.safe_load((PACKS / "calendars/california.yaml").read_text("utf-8"))
    kept = set()
    for of_year in (year - 1, year, year + 1):
        for rule in pack["holidays"]:
            if rule["kind"] == "fixed":
                day = date(of_year, rule["month"], rule["day"])
                if day.weekday() == 5:
                    day -= ONE_DAY
                elif day.weekday() == 6:
                    day += ONE_DAY
            else:
                days = [
                    date(of_year, 1, 1) + timedelta(days=n)
                    for n in range(366)
                    if (date(of_year, 1, 1) + timedelta(days=n)).month == rule["month"]
                    and (date(of_year, 1, 1) + timedelta(days=n)).year == of_year
                ]
                matching = [d for d in days if WEEKDAYS[d.weekday()] == rule["weekday"]]
                day = matching[rule["nth"] - 1 if rule["nth"] > 0 else -1]
                day += timedelta(days=rule.get("plus_days", 0))
            kept.add(day)
    return kept


KEPT: dict[int, set[date]] = {}


class Working:
    """Which days are worked: at the agency, or at an LEA with its recess."""

    def __init__(self, recess: list[tuple[date, date]]) -> None:
        self.recess = recess

    def on(self, day: date) -> bool:
        if day.year not in KEPT:
            KEPT[day.year] = holidays(day.year)
        rests = any(first <= day <= last for first, last in self.recess)
        return day.weekday() < 5 and day not in KEPT[day.year] and not rests

    def count(self, day: date, working_days: int) -> date:
        step = ONE_DAY if working_days > 0 else -ONE_DAY
        left = abs(working_days)
        while left:
            day += step
            left -= self.on(day)
        return day

    def moved_forward(self, day: date) -> date:
        while not self.on(day):
            day += ONE_DAY
        return day


@dataclass
class Terms:
    due: date
    hours: int
    on: date = date.min
    """The day on which they were put on the table."""
    signed: set[str] = field(default_factory=set)


@dataclass
class Work:
    """A deliverable."""

    table: Terms | None = None
    """What is proposed."""
    due: date | None = None
    hours: int = 0
    round: int = 1
    state: str = "proposed"
    submissions: list[date] = field(default_factory=list)
    answers: int = 0


class Oracle:
    """Who has been told what, and what is still planned."""

    def __init__(self, zone: str, effective: date, recess: list[tuple[date, date]]) -> None:
        book = yaml.safe_load((PACKS / "playbooks/dta-sir.yaml").read_text("utf-8"))
        self.policies = {policy["id"]: policy["steps"] for policy in book["policies"]}
        self.book = book
        self.zone = ZoneInfo(zone)
        self.agency = Working([])
        self.lea = Working(list(recess))
        self.effective = effective
        self.contact = effective
        self.works: dict[str, Work] = {}
        self.hold: tuple[date, date | None] | None = None
        """From which day, and until which it lasts by itself."""
        self.needs_new_date: set[tuple[str, int]] = set()
        self.over = False
        self.planned: dict[Told, datetime] = {}
        self.told: set[Told] = set()
        """Sent to somebody: never planned again."""
        self.waiting: dict[Told, set[str]] = {}
        """Told to somebody; these have had their mail of the day and wait for the next."""
        self.mails: dict[tuple[date, str], set[Told]] = {}

    # What is recorded ------------------------------------------------------------------------

    def record(self, what: str, now: datetime, body: dict[str, Any], on: date) -> None:
        """One accepted command.

        Args:
            on: The day on which it came true.
        """
        today = now.astimezone(self.zone).date()
        work = self.works.get(body.get("deliverable", ""))
        match what:
            case "deliverable propose":
                new = Work(Terms(body["due"], body["hours"], on))
                self.works[f"D{len(self.works) + 1}"] = new
            case "deliverable sign":
                assert work
                assert work.table
                work.table.signed.add("lea" if "person" in body else "agency")
                if work.table.signed == {"lea", "agency"}:
                    moved = work.due is not None and work.due != work.table.due
                    work.round += moved
                    work.due, work.hours = work.table.due, work.table.hours
                    work.state, work.table = "agreed", None
            case "deliverable redate" | "deliverable rescope":
                assert work
                before = work.table or Terms(work.due or date.min, work.hours)
                terms = Terms(body.get("due") or before.due, body.get("hours", before.hours), on)
                stands = work.state == "agreed" and (terms.due, terms.hours) == (
                    work.due,
                    work.hours,
                )
                work.table = None if stands else terms
            case "deliverable decline":
                assert work
                work.table = None
                if work.state == "proposed":
                    work.state = "declined"
            case "deliverable submit":
                assert work
                work.state, work.table = "submitted", None
                work.submissions.append(on)
            case "deliverable return":
                assert work
                work.answers += 1
                work.round += 1
                work.state, work.due = "agreed", body["due"]
            case "deliverable accept":
                assert work
                work.answers += 1
                work.state = "accepted"
            case "contact log":
                self.contact = max(self.contact, on)
            case "engagement hold":
                self.hold = (on, body.get("until"))
            case "engagement resume":
                self._lift(today)
            case "engagement withdraw":
                self.over = True
            case "recess":
                self.lea.recess.append((body["first"], body["last"]))
            case _:
                raise AssertionError(f"the oracle has not read about {what!r}")
        self._plan(now)

    def _lift(self, today: date) -> None:
        assert self.hold
        since, _ = self.hold
        for item, work in self.works.items():
            if work.state == "agreed" and work.due and since <= work.due < today:
                self.needs_new_date.add((item, work.round))
        self.hold = None

    # What is wanted --------------------------------------------------------------------------

    def _owed(self) -> dict[tuple[str, int, date], tuple[str, Working, str]]:
        """What somebody is reminded of: item, round and date; policy, whose days, and owner."""
        owed: dict[tuple[str, int, date], tuple[str, Working, str]] = {}
        if self.over:
            return owed
        rules = self.book["deliverables"]
        for item, work in self.works.items():
            rests = self.hold is not None or (item, work.round) in self.needs_new_date
            if work.state == "agreed" and work.due and not rests:
                owed[item, work.round, work.due] = (rules["policy"], self.lea, "joy")
            if work.table and "agency" in work.table.signed and self.hold is None:
                by = self.lea.count(work.table.on, rules["signature_working_days"])
                key = (f"{item}/signature", work.round, by)
                owed[key] = (rules["signature_policy"], self.lea, "joy")
            for number, day in enumerate(work.submissions, start=1):
                if work.answers < number:
                    answer = self.agency.count(day, rules["review_working_days"])
                    key = (f"{item}/review", number, answer)
                    owed[key] = (rules["review_policy"], self.agency, "marcus")
        coaching = self.book["coaching"]
        contact = self.contact + timedelta(days=coaching["contact_within_days"])
        owed["coaching/contact", 0, contact] = (coaching["policy"], self.agency, "marcus")
        assert self.book["checkins"]["every_months"] == 12
        year = self.agency.moved_forward(self.effective.replace(year=self.effective.year + 1))
        owed["CI-1", 1, year] = (self.book["checkins"]["policy"], self.agency, "marcus")
        return owed

    def _steps(self, policy: str, due: date, days: Working) -> dict[str, date]:
        found = {}
        for step in self.policies[policy]:
            if step.get("unit") == "working":
                found[step["id"]] = days.count(due, step["days"])
            else:
                found[step["id"]] = days.moved_forward(due + timedelta(days=step["days"]))
        order = list(found)
        return {
            step: day
            for n, (step, day) in enumerate(found.items())
            if all(day < found[later] for later in order[n + 1 :])
        }

    def _eight(self, day: date) -> datetime:
        return datetime.combine(day, time(8), self.zone).astimezone(UTC)

    def _plan(self, now: datetime) -> None:
        owed = self._owed()
        wanted = {
            (item, round_, step, due): self._eight(day)
            for (item, round_, due), (policy, days, _) in owed.items()
            for step, day in self._steps(policy, due, days).items()
        }
        kept = {k: at for k, at in self.planned.items() if wanted.get(k) == at}
        new = {k: at for k, at in wanted.items() if at > now and k not in self.told}
        self.planned = kept | new
        owed_items = {(item, round_, due) for item, round_, due in owed}
        self.waiting = {
            told: people
            for told, people in self.waiting.items()
            if (told[0], told[1], told[3]) in owed_items
        }

    # Days pass -------------------------------------------------------------------------------

    def days_pass(self, start: datetime, end: datetime, *, worker_runs: bool) -> None:
        """Go from day to day; look whenever something may happen: at midnight and at eight."""
        moments = {start}
        day = start.astimezone(self.zone).date()
        while day <= end.astimezone(self.zone).date():
            for hour in (time(0), time(8)):
                moment = datetime.combine(day, hour, self.zone).astimezone(UTC)
                if start < moment <= end:
                    moments.add(moment)
            day += ONE_DAY
        if not worker_runs:
            return
        for moment in sorted(moments):
            self._ends_of_holds(moment)
            self._mail(moment)

    def _ends_of_holds(self, now: datetime) -> None:
        today = now.astimezone(self.zone).date()
        if self.hold and self.hold[1] and self.hold[1] <= today and not self.over:
            self._lift(self.hold[1])
            self._plan(now)

    def catch_up(self, now: datetime) -> None:
        """What time brought while no worker ran comes before whatever is recorded next."""
        self._ends_of_holds(now)

    def _mail(self, now: datetime) -> None:
        local = now.astimezone(self.zone)
        today = local.date()
        if not time(7) <= local.time() < time(18):
            return
        owed = self._owed()
        latest: dict[str, Told] = {}
        for told, moment in sorted(self.planned.items(), key=lambda entry: entry[1]):
            if moment <= now:
                latest[told[0]] = told
        # It goes to everybody whom those that it overtakes addressed as well.
        to_tell = {
            told: {
                person
                for missed, moment in self.planned.items()
                if missed[0] == told[0] and moment <= now
                for person in self._people(missed, owed)
            }
            for told in latest.values()
        }
        for told, people in self.waiting.items():
            to_tell[told] = set(people)
        today_s = {
            person
            for told, people in to_tell.items()
            for person in people
            if owed[told[0], told[1], told[3]][1].on(today) and (today, person) not in self.mails
        }
        for person in today_s:
            mail = {told for told, people in to_tell.items() if person in people}
            self.mails[today, person] = mail
            for told in mail:
                if told not in self.told:
                    self.told.add(told)
                    self.waiting[told] = set(to_tell[told])
                self.waiting[told].discard(person)
                if not self.waiting[told]:
                    del self.waiting[told]
                if told[0] in latest:
                    # It stands for those of the same item that were missed before it.
                    upto = self.planned.get(latest[told[0]], now)
                    self.planned = {
                        k: at for k, at in self.planned.items() if k[0] != told[0] or at > upto
                    }

    def _people(self, told: Told, owed: dict[Any, Any]) -> set[str]:
        policy, _, owner = owed[told[0], told[1], told[3]]
        [step] = [s for s in self.policies[policy] if s["id"] == told[2]]
        roles = {"owner": owner, "lead": "marcus", "director": "dana"}
        return {roles[role] for role in step["to"]}

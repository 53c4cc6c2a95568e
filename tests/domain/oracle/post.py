"""The plan and the mails, by docs/rules/reminders.md, looked at from day to day."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from tests.domain.oracle.etiquette import SNOOZED, Etiquette, Told
from tests.domain.oracle.people import Addresses, Roles
from tests.domain.oracle.world import Debt, World

EARLIEST, LATEST = time(7), time(18)


@dataclass(frozen=True)
class Planned:
    """A reminder to come."""

    at: datetime
    to: frozenset[str]
    """Roles."""
    alarm: bool = False


@dataclass
class Spoken:
    """A reminder that went to somebody, and to whom it has still to go."""

    at: datetime
    to: frozenset[str]
    """Its own roles."""
    taken_over: frozenset[str]
    """Those of earlier steps that it overtook."""
    alarm: bool
    readers: set[str]
    waiting: set[str]
    standing_in: set[str] = field(default_factory=set)
    """Whoever gets it because it came back from somebody."""


Open = tuple[Told, datetime, set[str]]
"""A reminder with its moment, and whoever is still to be told."""


@dataclass
class Letter:
    at: datetime
    person: str
    told: set[Told]
    alarm: bool = False
    came_back: bool = False


def _key(told: Told) -> tuple[str, int]:
    return (told[0], told[1])


class Post:
    def __init__(
        self, world: World, roles: Roles, addresses: Addresses, etiquette: Etiquette
    ) -> None:
        self.world, self.roles = world, roles
        self.addresses, self.etiquette = addresses, etiquette
        self.planned: dict[Told, Planned] = {}
        self.spoken: dict[Told, Spoken] = {}
        self.cut_off: set[Told] = set()
        """Moved away while somebody who had not heard of it was still to be told."""
        self.left_out: dict[tuple[str, int], list[Planned]] = {}
        """What a snooze left out."""
        self.letters: list[Letter] = []
        self.refused: set[str] = set()
        """Whose mail the mail server refuses."""
        self.running: dict[tuple[str, int], Debt] = {}
        """What is owed and reminded of."""

    # The plan --------------------------------------------------------------------------------

    def plan(self, debts: list[Debt]) -> None:
        """Bring the plan to what is owed now; no moment that has passed is planned."""
        now = self.world.now
        self.running = {debt.key: debt for debt in debts if debt.policy and not debt.held}
        wanted = {
            (debt.item, debt.round, step, debt.due): Planned(at, to, debt.at is not None)
            for debt in self.running.values()
            for step, at, to in self.etiquette.steps(debt)
        }
        for told, spoken in self.spoken.items():
            if spoken.waiting:
                self._still_waiting(told, spoken, wanted.get(told))
        kept = {
            told: before
            for told, before in self.planned.items()
            if (plan := wanted.get(told))
            and plan.at == before.at
            and (plan.to == before.to or before.at <= now)
        }
        new = {
            told: plan
            for told, plan in wanted.items()
            if told not in kept and plan.at > now and not self._was_said(told)
        }
        for told, before in self.planned.items():
            debt = self.running.get(_key(told))
            ends = self.etiquette.ends(debt) if debt else None
            if told not in kept and ends and self.world.day_of(before.at) <= ends:
                self.left_out.setdefault(_key(told), []).append(before)
        self.planned = kept | new

    def unsaid(self, key: tuple[str, int]) -> frozenset[str]:
        """The roles of what nobody was told of a debt, since the last reminder that went."""
        now = self.world.now
        said = [s.at for told, s in self.spoken.items() if _key(told) == key and s.at <= now]
        missed = [plan for told, plan in self.planned.items() if _key(told) == key]
        missed += self.left_out.get(key, [])
        return frozenset(
            role
            for plan in missed
            if plan.at <= now and all(plan.at > moment for moment in said)
            for role in plan.to
        )

    def _was_said(self, told: Told) -> bool:
        """What was sent is not said again because its day moved; each snooze ends with one more."""
        if told not in self.spoken or told in self.cut_off:
            return False
        snooze = self.etiquette.snoozes.get(_key(told))
        return not (snooze and told[2] == SNOOZED and self.spoken[told].at < snooze.since)

    def _still_waiting(self, told: Told, spoken: Spoken, plan: Planned | None) -> None:
        """Whoever waits for their next mail is not told what is settled, moved or another's."""
        if _key(told) not in self.running:
            # Owed again before its day, it is told to them after all.
            spoken.waiting.clear()
            self.cut_off.add(told)
        elif spoken.at <= self.world.now:
            if self.etiquette.rests(_key(told)):
                spoken.waiting.clear()
        elif plan is None or (plan.at, plan.to) != (spoken.at, spoken.to):
            spoken.waiting.clear()
            self.cut_off.add(told)
        self._passed_on(spoken)

    def _all_passed_on(self) -> None:
        for spoken in self.spoken.values():
            if spoken.waiting:
                self._passed_on(spoken)

    def _passed_on(self, spoken: Spoken) -> None:
        """A role that passed on, or mail that comes back, takes what waits to somebody else."""
        now = self.roles.readers(spoken.to | spoken.taken_over)
        for person in sorted(spoken.waiting):
            if self.roles.gone(person):
                spoken.waiting.discard(person)
                continue
            dead = self.world.people[person].dead
            if dead or (person not in now and person not in spoken.standing_in):
                spoken.waiting.discard(person)
                spoken.readers.discard(person)
                spoken.waiting |= now - spoken.readers
                spoken.readers |= now

    # The mails -------------------------------------------------------------------------------

    def look(self) -> bool:
        """Send whatever goes at this moment, and say whether anything did."""
        before = len(self.letters)
        while True:
            self._all_passed_on()
            alarms, open_ = self._alarms(), self._open()
            people = [person for person in self.world.people if self._is_due(person, open_)]
            if not alarms and not people:
                return len(self.letters) > before
            for person, told in sorted(alarms):
                self._send(person, {told}, alarm=True)
            for person in sorted(people):
                self._send(person, self._contents(person))

    def _latest(self, *, alarm: bool = False) -> dict[str, Told]:
        """Of each item, the last of the steps whose moment has come."""
        latest: dict[str, Told] = {}
        for told, plan in sorted(self.planned.items(), key=lambda entry: entry[1].at):
            if plan.at <= self.world.now and plan.alarm == alarm:
                latest[told[0]] = told
        return latest

    def _overtaken(self, last: Told) -> list[Told]:
        upto = self.planned[last].at
        return [t for t, p in self.planned.items() if t[0] == last[0] and p.at <= upto]

    def _roles_of(self, last: Told) -> frozenset[str]:
        """Whom the steps that it overtakes would have told is told as well."""
        return frozenset(role for t in self._overtaken(last) for role in self.planned[t].to)

    def _readers(self, told: Told) -> set[str]:
        """Whom a planned reminder goes to, were it to go now."""
        due = self.planned[told].at <= self.world.now
        readers = self.roles.readers(self._roles_of(told) if due else self.planned[told].to)
        return readers if told[2] == SNOOZED else readers - self._heard(told)

    def _heard(self, told: Told) -> set[str]:
        """Who was told it before its day moved."""
        if told not in self.spoken:
            return set()
        return {x.person for x in self.letters if told in x.told and not x.came_back}

    def _alarms(self) -> set[tuple[str, Told]]:
        found = {
            (person, told)
            for told in self._latest(alarm=True).values()
            for person in self._readers(told)
        }
        for told, spoken in self.spoken.items():
            if spoken.alarm and spoken.at <= self.world.now:
                found |= {(person, told) for person in spoken.waiting}
        return found

    def _is_due(self, person: str, open_: list[Open]) -> bool:
        """Whether somebody's mail goes now."""
        return not self._has_had_mail(person) and any(
            person in readers and self._goes_now(person, told, at) for told, at, readers in open_
        )

    def _open(self) -> list[Open]:
        """What is still to be told, at office hours: what has come, and what the week brings."""
        now = self.world.now
        if not EARLIEST <= now.astimezone(self.world.zone).time() < LATEST:
            return []
        latest = set(self._latest().values())
        until = max(self._until(person) for person in self.world.people)
        found: list[Open] = [
            (told, plan.at, self._readers(told))
            for told, plan in self.planned.items()
            if not plan.alarm and (told in latest or now < plan.at <= until)
        ]
        found += [
            (told, spoken.at, spoken.waiting)
            for told, spoken in self.spoken.items()
            if spoken.waiting and not spoken.alarm
        ]
        return found

    def _has_had_mail(self, person: str) -> bool:
        since = self.world.today
        if self.world.people[person].weekly:
            since -= timedelta(days=since.weekday())
        return any(
            letter.person == person and not letter.alarm and self.world.day_of(letter.at) >= since
            for letter in self.letters
        )

    def _own_days_on(self, person: str, day: date) -> bool:
        works_at = self.world.people[person].works_at
        return self.world.days("agency" if works_at == "agency" else "lea").on(day)

    def _goes_now(self, person: str, told: Told, at: datetime) -> bool:
        if not self.world.people[person].weekly:
            side = self.running[_key(told)].side
            return at <= self.world.now and self.world.days(side).on(self.world.today)
        if not self._own_days_on(person, self.world.today):
            return False
        return at <= self.world.now or self._stands_in_this_weeks_mail(person, told, at)

    def _stands_in_this_weeks_mail(self, person: str, told: Told, at: datetime) -> bool:
        """Whether today's mail of the week speaks of it, at the hour that the reminder has."""
        works_at = self.world.people[person].works_at
        days = self.world.days("agency" if works_at == "agency" else "lea")
        if self.etiquette.rests(_key(told)):
            return False
        if days.week_mail_before(self.world.day_of(at)) != self.world.today:
            return False
        hour = at.astimezone(self.world.zone).time()
        return self.world.moment(self.world.today, hour) <= self.world.now

    def _until(self, person: str) -> datetime:
        """Up to which moment a mail that is made now speaks of what is planned."""
        someone = self.world.people[person]
        days = self.world.days("agency" if someone.works_at == "agency" else "lea")
        if not someone.weekly or days.first_of_week(self.world.today) != self.world.today:
            return self.world.now
        following = self.world.moment(days.week_mail_after(self.world.today))
        return following - timedelta(microseconds=1)

    def _contents(self, person: str) -> set[Told]:
        """Everything for somebody; of what has come of an item, only the latest."""
        until, now = self._until(person), self.world.now
        found = {
            told: at
            for told, at, readers in self._open()
            if person in readers
            and at <= until
            and (at <= now or not self.etiquette.rests(_key(told)))
        }
        come = {told: at for told, at in found.items() if at <= now}
        newest: dict[str, Told] = {}
        for told in sorted(come, key=lambda t: (t in self.planned, come[t])):
            newest[told[0]] = told
        for told in come:
            if newest[told[0]] != told and told in self.spoken:
                self.spoken[told].waiting.discard(person)
        return {told for told, at in found.items() if at > now or newest[told[0]] == told}

    def _send(self, person: str, contents: set[Told], *, alarm: bool = False) -> None:
        if not contents:
            return
        for told in contents:
            if told in self.planned:
                self._speak(told)
            self.spoken[told].waiting.discard(person)
        self.letters.append(Letter(self.world.now, person, contents, alarm))
        if person in self.refused:
            self.comes_back(self.letters[-1])
            self._all_passed_on()

    def _speak(self, told: Told) -> None:
        """The first mail takes it for everybody."""
        plan, readers = self.planned[told], self._readers(told)
        gone = {told}
        over = plan.to
        if plan.at <= self.world.now:
            over = self._roles_of(told)
            gone |= set(self._overtaken(told))
        self.spoken[told] = Spoken(
            plan.at, plan.to, over - plan.to, plan.alarm, set(readers), set(readers)
        )
        self.cut_off.discard(told)
        self.planned = {t: p for t, p in self.planned.items() if t not in gone}

    # Mail that comes back ---------------------------------------------------------------------

    def comes_back(self, letter: Letter) -> None:
        """Whoever stands in gets what is still owed, and the address counts as dead."""
        if self.world.over or letter.came_back:
            return
        letter.came_back, person = True, letter.person
        if self.roles.reached(person):
            self.addresses.found_dead(person)
        for told in letter.told:
            spoken = self.spoken[told]
            if _key(told) in self.running and not self._outdone(person, told):
                instead = self._in_place_of(person, spoken) - spoken.readers
                spoken.readers |= instead
                spoken.waiting |= instead
                spoken.standing_in |= instead

    def _in_place_of(self, person: str, spoken: Spoken) -> set[str]:
        """Whoever is next where they were told; or has their role now, where it passed on."""
        roles = spoken.to | spoken.taken_over
        turns = [list(self.roles.in_turn(role)) for role in roles]
        found = set()
        for role, turn in zip(roles, turns, strict=True):
            instead = self.roles.told(role, but=person)
            theirs = instead and person in turn[: turn.index(instead)]
            if instead and (theirs or not any(person in other for other in turns)):
                found.add(instead)
        return found

    def _outdone(self, person: str, told: Told) -> bool:
        """Whether a later reminder of the same item went to the same person."""
        return any(
            other[0] == told[0] and spoken.at > self.spoken[told].at and person in spoken.readers
            for other, spoken in self.spoken.items()
        )

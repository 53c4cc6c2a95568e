"""Given, when, then: commands decided on histories in memory, as the record does it in PostgreSQL.

The people are fixed: Dana is the Director, Marcus the Lead, Priya another Lead, Tess the
assistant, Lionel the clerk of the agency's board; Joy, Elena and the board clerk Carla work at
Alder Creek, Noor at Harbor Charter.  All of it is fictional.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, Self
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
import yaml

from domain import subjects  # noqa: F401 - registers every command and event
from domain.deciding import brought, decide_in_full, led_to
from domain.engagement.state import Engagement
from domain.kernel.messages import Command, Event, Recorded, ReminderCommand, Stamp, State
from domain.kernel.refusals import Refused
from domain.mending import MENDS, CorrectEntry, RetractEntry
from domain.money.appropriations import entry as appropriation_entry
from domain.policy.calendar import CalendarPack, Closure, at_local, local_date
from domain.policy.framework import Framework
from domain.policy.playbook import Playbook
from domain.reminders.claiming import announcement, next_wake
from domain.reminders.notices import ClaimNotices, Notice, Notices, RecordDelivery
from domain.reminders.weekly import is_weekly, monday
from domain.rules.context import (
    SYSTEM,
    SYSTEM_PERSON,
    Context,
    Entry,
    HeldRole,
    LeaEntry,
    MailRhythm,
    Past,
    PersonEntry,
    ProgramEntry,
    StaffRole,
    SummitEntry,
)
from domain.rules.references import one_ref
from domain.rules.registry import COMMANDS, fold
from domain.summits.summits import entry_of
from domain.team.handover import pending
from tests.domain.tables import RULES, day, table

ZONE = "America/Los_Angeles"
ALDER = "alder-creek-usd"
ENGAGEMENT = f"engagement:{ALDER}"
HARBOR = "harbor-charter"
PACKS = RULES.parents[1] / "packs"
PLAYBOOK = Playbook.model_validate(yaml.safe_load((PACKS / "playbooks/dta-sir.yaml").read_text()))
CALENDAR = CalendarPack.model_validate(
    yaml.safe_load((PACKS / "calendars/california.yaml").read_text())
)
FRAMEWORKS = {
    framework.ref: framework
    for path in sorted((PACKS / "frameworks").glob("*.yaml"))
    for framework in [Framework.model_validate(yaml.safe_load(path.read_text("utf-8")))]
}
RECESS = tuple(
    Closure(name=row["Recess"], first=day(row["First day"]), last=day(row["Last day"]))
    for row in table("working-days.md", "Recess of Alder Creek")
)
GROUPS = tuple(g.id for g in PLAYBOOK.stakeholder_groups)
YES = {c.id: "yes" for c in PLAYBOOK.fit_criteria}
PURPOSES = {p.id: f"Talked about {p.id}." for p in PLAYBOOK.checkins.purposes}


def person(
    handle: str, name: str, *roles: StaffRole, at: str = "agency", email: bool = True
) -> PersonEntry:
    return PersonEntry(
        id=f"p-{handle}",
        handle=handle,
        name=name,
        email=f"{handle}@{at}.example" if email else None,
        organisation=at,
        staff_roles=frozenset(roles),
    )


PEOPLE = (
    person("dana", "Dana Whitfield", "director"),
    person("marcus", "Marcus Oyelaran", "lead"),
    person("priya", "Priya Raman", "lead"),
    person("tess", "Tess Nguyen", "assistant"),
    person("lionel", "Lionel Park"),
    person("joy", "Joy Kim", at=ALDER),
    person("mendes", "Carla Mendes", at=ALDER),
    person("elena", "Elena Duarte", at=ALDER),
    person("noor", "Noor Aziz", at=HARBOR),
)
LEAS = (
    LeaEntry(ALDER, "Alder Creek Unified School District", "school_district", "Manzanita", RECESS),
    LeaEntry(HARBOR, "Harbor Charter", "charter_school"),
)
ALIASES = {"acusd": ALDER, "alder creek": ALDER}


_NO_COMMAND = UUID(int=0)
_WAY_OUT = re.compile(
    r"handrail [a-z]|--[a-z]|Did you mean|Nothing more is needed|"
    r"\b(Add|Ask|Check|Choose|Correct|Draft|Give|Leave|Name|Say|See|Set)\b"
)


@dataclass(frozen=True)
class Mail:
    """One digest: who got it, when, and which notices were in it."""

    person: str
    at: datetime
    items: tuple[tuple[str, int, str], ...]
    alarm: int | None = None

    @property
    def on(self) -> date:
        return local_date(self.at, ZONE)


class Story:
    """An engagement with Alder Creek, its clock, and everything that was mailed about it."""

    about = ENGAGEMENT
    """The stream whose reminders go out as time passes."""

    def __init__(self, at: date = date(2026, 8, 4)) -> None:
        self.now = at_local(at, time(9), ZONE)
        self.histories: dict[str, list[Recorded]] = {}
        self.states: dict[str, State] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.people = {key: p for p in PEOPLE for key in (p.id, p.handle)}
        self.leas = {key: lea for lea in LEAS for key in (lea.id, lea.name.casefold())}
        self.leas |= {alias: self.leas[lea] for alias, lea in ALIASES.items()}
        self.program: ProgramEntry | None = ProgramEntry(
            name="Direct technical assistance",
            agency="The Collaborative",
            zone=ZONE,
            sender="handrail@collaborative.example",
            playbook=PLAYBOOK.ref,
            calendar=CALENDAR,
        )
        self.playbook: Playbook | None = PLAYBOOK
        self.versions: dict[str, Playbook] = {}
        """Further playbook versions that were published, by name and version."""
        self.mails: list[Mail] = []
        self.news: list[Event] = []
        self._commands = 0
        self._wake: datetime | None = None

    # Given -----------------------------------------------------------------------------------

    def on(self, day: date, at: time = time(9)) -> Self:
        """Move the clock, mailing on the way whatever falls due."""
        return self.until(at_local(day, at, ZONE))

    def away_until(self, day: date, at: time = time(9)) -> Self:
        """Move the clock while no worker runs: nothing is mailed."""
        self.now = at_local(day, at, ZONE)
        return self

    def do(
        self, what: str | Command, actor: str = "tess", /, *, effective: Any = None, **body: Any
    ) -> Self:
        """Give a command that must be accepted.

        Args:
            effective: The day on which it came true; today if left out.
        """
        if isinstance(what, str):
            what = made(what, **self._stated(what, effective) | body)
        command_id = self._next_id()
        stream = self._canonical(what.stream(command_id))
        before = self.state(stream)
        context = self.context(actor, what, effective, command_id)
        if isinstance(what, MENDS):
            context = replace(context, past=self._past(stream, what))
        decided = decide_in_full(what, before, context)
        self._append(stream, self._stamped(stream, decided.own, context))
        if stream == self.about and not isinstance(what, ClaimNotices):
            self._wake = next_wake(self.state(), context.pinning(self.engagement.playbook))
        everything = [decided.own]
        for other, added in decided.others.items():
            entries = added
            if other.startswith("appropriation:"):
                there = self.context(actor, None)
                if context.past is not None:
                    there = replace(there, past=Past(tuple(self.history(other)), ()))
                entries = [*added, *led_to(self.state(other), added, there)]
            self._append(other, self._stamped(other, entries, context))
            if other == self.about:
                self._wake = next_wake(self.state(), self.context(SYSTEM, None))
            everything.append(entries)
            self._entered(other, entries, replace(context, past=None))
        self.news = [event for entries in everything for event, _ in entries]
        if decided.own:
            last = self.state(stream).version
            self.entries.setdefault(stream, []).append(
                Entry(
                    versions=tuple(range(last - len(decided.own) + 1, last + 1)),
                    command_id=command_id,
                    actor=context.actor.id,
                    command=None if what.internal else what,
                    context=replace(context, past=None),
                    elsewhere=tuple(decided.others),
                )
            )
        return self

    def _stated(self, what: str, effective: date | None) -> dict[str, Any]:
        """What has to be said of some commands, where a test does not care."""
        day = effective or self.today
        said = {"on": day, "attended": ("joy",), "last_day": day}
        kind = COMMANDS[what]
        return {n: said[n] for n in kind.stated if n in kind.model_fields}

    def _entered(
        self, stream: str, events: Sequence[tuple[Event, datetime]], context: Context
    ) -> None:
        """Remember what the command of another stream recorded on this one."""
        last = self.state(stream).version
        versions = tuple(range(last - len(events) + 1, last + 1))
        if versions:
            entry = Entry(versions, context.command_id, context.actor.id)
            self.entries.setdefault(stream, []).append(entry)

    def opened(self) -> Self:
        return self.do(
            "engagement open",
            lea="ACUSD",
            lead="marcus",
            director="dana",
            contact="joy",
            superintendent="elena",
        )

    def recruited(self, groups: Iterable[str] = GROUPS) -> Self:
        self.opened()
        for group in groups:
            self.do("conversation log", "marcus", group=group)
        return self

    def fitting(self) -> Self:
        return self.recruited().do("fit decide", "marcus", proceed=True, criterion=YES)

    def drafted(self) -> Self:
        return self.fitting().do("agreement draft")

    def effective(self) -> Self:
        """Both boards have acted, the agency's on the day of the story."""
        self.drafted()
        for board in ("lea", "ccee"):
            self.do("agreement act", board=board, action="approved", meeting=self.today)
        return self

    def proposed(self, due: date, title: str = "Theory of action") -> Self:
        return self.do("deliverable propose", "marcus", title=title, due=due, hours=10)

    def signed(self, deliverable: str = "D1") -> Self:
        self.do("deliverable sign", "marcus", deliverable=deliverable)
        return self.by_the_lea("deliverable sign", deliverable=deliverable)

    def by_the_lea(self, what: str, who: str = "joy", **body: Any) -> Self:
        return self.do(what, person=who, evidence="mail of today", **body)

    # When ------------------------------------------------------------------------------------

    def when(
        self, what: str | Command, actor: str = "tess", /, *, effective: Any = None, **body: Any
    ) -> "When":
        """A command whose answer the test is about."""
        return When(self, what, actor, effective, body)

    # Then ------------------------------------------------------------------------------------

    def state(self, stream: str | None = None) -> State:
        stream = stream or self.about
        return self.states.get(stream, State(stream))

    def history(self, stream: str | None = None) -> list[Recorded]:
        return self.histories.get(stream or self.about, [])

    @property
    def engagement(self) -> Engagement:
        return self.state(ENGAGEMENT).of(Engagement)

    @property
    def today(self) -> date:
        return local_date(self.now, ZONE)

    def ledger(self, item: str | None = None) -> list[Notice]:
        """The notices of an item, or all of them, in the order in which they were planned."""
        all_ = self.state().of(Notices).all.values()
        return [n for n in all_ if item is None or n.planned.item == item]

    def planned_days(self, item: str, round_: int | None = None) -> list[date]:
        """The local days on which an item's planned notices will go."""
        return [
            local_date(n.planned.planned_for, ZONE)
            for n in self.ledger(item)
            if n.status == "planned" and round_ in (None, n.planned.round)
        ]

    def until(self, moment: datetime) -> Self:
        """Mail whatever falls due until then, as the workflows do."""
        assert moment >= self.now, "time does not run backwards"
        for _ in range(1_000):
            if self._wake is None or self._wake > moment:
                self.now = moment
                return self
            self.now = max(self.now, self._wake)
            self._digest()
        raise AssertionError(f"still waking at {self.now}: {self.ledger()}")

    def _digest(self) -> None:
        if brought(self.state(), self.context(SYSTEM, None)):
            self.do("notices reconcile", SYSTEM, of=self.about)
        context = self.context(SYSTEM, None)

        def had(person: str) -> bool:
            since = monday(self.today) if is_weekly(person, context) else self.today
            return any(m.person == person and m.on >= since and m.alarm is None for m in self.mails)

        told = announcement(self.state(), context, had)
        self._wake = told.again_at
        assert told.again_at is None or told.again_at > self.now, "a wake without an end"
        mails: list[tuple[str, int | None]] = [*told.alarms, *((p, None) for p in told.people)]
        for who, alarm in sorted(mails, key=str):
            mail = uuid5(NAMESPACE_URL, f"{who}/{self.today}/{alarm}")
            named: dict[str, Any] = {
                "mail": mail,
                "message_id": f"<{mail}@handrail.example>",
                "person": who,
            }
            claim = ClaimNotices(of=self.about, on=self.today, alarm=alarm, **named)
            self.do(claim, SYSTEM)
            items = tuple(
                (n.planned.item, n.planned.round, n.planned.step)
                for n in self.ledger()
                if who in n.deliveries and n.deliveries[who].mail == mail
            )
            if alarm is not None and not items:
                continue  # A later alarm of the item overtook it.
            if not self.people[who].email or self.people[who].has_left(self.today):
                continue  # Dropped instead.
            assert items, f"{who} was told that something is due, and nothing was"
            self.mails.append(Mail(who, self.now, items, alarm))
            delivery: dict[str, Any] = {"outcome": "sent", "detail": "250 OK", "at": self.now}
            self.do(RecordDelivery(of=self.about, **named, **delivery), SYSTEM)

    # The machinery ---------------------------------------------------------------------------

    def context(
        self,
        actor: str,
        command: Command | None,
        effective: date | None = None,
        command_id: UUID = _NO_COMMAND,
    ) -> Context:
        """What the record would resolve; a person or LEA that is not there is simply missing."""
        effective_at = self.now
        if effective is not None and effective != self.today:
            effective_at = at_local(effective, time(0), ZONE)
        playbook = self.playbook
        if (pinned := self.engagement.playbook) in self.versions:
            playbook = self.versions[pinned]
        named = one_ref(command, "playbook") if command else None
        if named and playbook and self.engagement.phase is None:
            playbook = playbook if named == playbook.ref else None
        return Context(
            now=self.now,
            issued_at=self.now,
            effective_at=effective_at,
            command_id=command_id,
            day_said=True,
            actor=SYSTEM_PERSON if actor == SYSTEM else self.people[actor],
            program=self.program,
            playbook=playbook,
            playbooks=frozenset({PLAYBOOK.ref, *self.versions}),
            other_playbook={PLAYBOOK.ref: PLAYBOOK, **self.versions}.get(named or "")
            if self.engagement.phase is not None
            else None,
            framework=FRAMEWORKS.get(one_ref(command, "framework") or "") if command else None,
            frameworks=frozenset(FRAMEWORKS),
            people=self.people,
            handles=frozenset(p.handle for p in self.people.values()),
            leas=self.leas,
            lea_names=frozenset(self.leas),
            bearers={name: (lea,) for name, lea in self.leas.items()},
            appropriations={
                money.id: money
                for money in map(appropriation_entry, self.states.values())
                if money is not None
            },
            engagements=frozenset(
                s.partition(":")[2] for s in self.histories if s.startswith("engagement:")
            ),
            held=self._held(command.stream(command_id).partition(":")[2])
            if command and "held roles" in command.looks_at
            else (),
            summit=self.summit(one_ref(command, "summit") if command else None),
            summits=frozenset(
                s.partition(":")[2] for s in self.histories if s.startswith("summit:")
            ),
        )

    def _held(self, ref: str) -> tuple[HeldRole, ...]:
        person = self.people[ref].id if ref in self.people else ref
        return tuple(
            HeldRole(
                state.id,
                role,
                to_come.effective
                if (to_come := pending(state)) and role in ("lead", "incoming_lead")
                else None,
            )
            for state in self.states.values()
            if state.of(Engagement).is_open
            for role, holder in state.of(Engagement).roles.items()
            if holder == person
        )

    def summit(self, name: str | None) -> SummitEntry | None:
        """A summit as the record would resolve it."""
        over = frozenset(
            s.partition(":")[2]
            for s, state in self.states.items()
            if s.startswith("engagement:") and not state.of(Engagement).is_open
        )
        return entry_of(self.state(f"summit:{name}"), over) if name else None

    def reading(self, rhythm: MailRhythm, *handles: str) -> Self:
        """Give some people their mail daily or weekly, and let the engagement know."""
        for handle in handles:
            entry = replace(self.people[handle], digest=rhythm)
            self.people[handle] = self.people[entry.id] = entry
        return self.do("notices reconcile", SYSTEM) if self.histories else self

    def recess(self, *recess: Closure) -> Self:
        """Give Alder Creek another recess, and let the engagement know."""
        entry = replace(self.leas[ALDER], recess=recess)
        self.leas = {k: entry if lea.id == ALDER else lea for k, lea in self.leas.items()}
        return self.do("notices reconcile", SYSTEM)

    def _next_id(self) -> UUID:
        self._commands += 1
        return uuid5(NAMESPACE_URL, f"command {self._commands}")

    def _canonical(self, stream: str) -> str:
        aggregate, _, name = stream.partition(":")
        if aggregate == "person" and name in self.people:
            return f"person:{self.people[name].id}"
        if aggregate == "lea" and name.casefold() in self.leas:
            return f"lea:{self.leas[name.casefold()].id}"
        return stream

    def _stamped(
        self, stream: str, events: Sequence[tuple[Event, datetime]], context: Context
    ) -> list[Recorded]:
        version = self.state(stream).version
        return [
            Recorded(
                event,
                Stamp(stream, version + n, at, self.now, context.actor.id, context.command_id, n),
            )
            for n, (event, at) in enumerate(events, start=1)
        ]

    def _append(self, stream: str, events: list[Recorded]) -> None:
        if events:
            history = self.histories.setdefault(stream, [])
            history += events
            mends = any(r.event.mends() for r in events)
            self.states[stream] = (
                fold(stream, history) if mends else fold(stream, events, self.state(stream))
            )

    def _past(self, stream: str, what: CorrectEntry | RetractEntry) -> Past:
        past = Past(tuple(self.history(stream)), tuple(self.entries.get(stream, ())))
        entry = past.entry(what.entry)
        if entry is None:
            return past
        elsewhere = {
            other: Past(tuple(self.history(other)), tuple(self.entries.get(other, ())))
            for other in entry.elsewhere
        }
        past = replace(past, elsewhere=elsewhere)
        if isinstance(what, RetractEntry) or entry.command is None:
            return past
        assert entry.context is not None
        context = entry.context
        if what.on is not None:
            context = replace(context, effective_at=at_local(what.on, time(0), ZONE))
        typed = entry.command.model_dump(exclude_unset=True) | dict(what.values)
        return replace(past, corrected=(type(entry.command).model_validate(typed), context))


def made(what: str, **body: Any) -> Command:
    """A command by its name; the engagement is Alder Creek's unless another is named."""
    kind = COMMANDS[what]
    if "engagement" in kind.model_fields:
        body.setdefault("engagement", ALDER)
    if issubclass(kind, ReminderCommand | CorrectEntry | RetractEntry):
        body.setdefault("of", ENGAGEMENT)
    return kind.model_validate(body)


@dataclass(frozen=True)
class When:
    """A command about to be given."""

    story: Story
    what: str | Command
    actor: str
    effective: date | None
    body: dict[str, Any]

    def records(self, *kinds: type[Event]) -> list[Event]:
        """It is accepted, with these facts and whatever notices follow from them."""
        self.story.do(self.what, self.actor, effective=self.effective, **self.body)
        facts = [e for e in self.story.news if not e.type.startswith("notices-")]
        assert [type(e) for e in facts] == list(kinds)
        return facts

    def refuses(self, kind: type[Refused], *words: str) -> str:
        """It is refused so, saying these words, and nothing changes."""
        before = {stream: len(history) for stream, history in self.story.histories.items()}
        with pytest.raises(Refused) as caught:
            self.story.do(self.what, self.actor, effective=self.effective, **self.body)
        message = str(caught.value)
        assert type(caught.value) is kind, f"{caught.value.kind}: {message}"
        assert {s: len(h) for s, h in self.story.histories.items()} == before
        assert "\n" not in message
        missing = [word for word in words if word not in message]
        assert not missing, f"{missing} not in {message!r}"
        assert _WAY_OUT.search(message), f"no way out of {message!r}"
        return message

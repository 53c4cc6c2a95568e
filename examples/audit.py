"""Looks at everything that is there after the demonstration, and says what is not as computed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from bootstrap.door import Door
from domain.agreements.agreements import Agreements
from domain.checkins.checkins import CheckIns
from domain.deliverables.proposing import Deliverables
from domain.engagement.engagement import EngagementClosed, EngagementOpened, EngagementWithdrawn
from domain.engagement.state import Engagement
from domain.kernel.messages import Recorded, State
from domain.money.investments import InvestmentAdded, Investments
from domain.policy.calendar import WorkingDays, add_months
from domain.policy.overviews import OverviewRules
from domain.program.leas import LeaRegistered
from domain.reminders.notices import Notice, Notices
from domain.rules.context import ProgramEntry
from domain.rules.registry import fold
from embedded.mailcatcher import caught_mails
from examples.cohort import INVESTMENTS, LEAS, Journey, load, stated_total
from store.database import listed, queries
from store.documents import playbook, program
from store.events import read_stream
from store.liveness import FOLLOWER

YEARS = 2
PURPOSES = 4
MARK = "illustrative"
OVERDUE = ("+1", "+5", "+10")


@dataclass(frozen=True)
class Overseen:
    """A week or month that was looked over for somebody."""

    person: str
    overview: str
    period: str
    empty: bool
    """There was nothing to say, so no mail went."""
    message_id: str | None
    """The mail that told of it; it may tell of reminders too."""
    to: str
    """The person's mail address."""


@dataclass(frozen=True)
class Findings:
    """What the store and the Maildir hold."""

    histories: Mapping[str, list[Recorded]]
    """Every event of each engagement and of each LEA, by stream."""
    refusals: tuple[tuple[str, str], ...]
    """Stream and kind of every refused command."""
    mails: tuple[EmailMessage, ...]
    events: int
    unsettled: int
    """Mails that are still on their way."""
    portfolio: Mapping[str, tuple[str, Decimal]]
    """Phase and investments of each engagement, as the portfolio shows them."""
    ledgers: Mapping[str, Mapping[int, str]]
    """The outcome of each notice of each engagement, as the ledger shows it."""
    overviews: tuple[Overseen, ...]
    rules: tuple[OverviewRules, ...]
    """What the playbook says of overviews."""
    program: ProgramEntry
    until: datetime
    """The sandbox's clock when this was read."""

    @property
    def engagements(self) -> dict[str, State]:
        """Every engagement as it stands, folded from its events."""
        return {
            stream.partition(":")[2]: fold(stream, history)
            for stream, history in self.histories.items()
            if stream.startswith("engagement:")
        }

    def invested(self) -> list[tuple[str, InvestmentAdded]]:
        """Every investment with its engagement, read from the events."""
        return [
            (stream.partition(":")[2], recorded.event)
            for stream, history in self.histories.items()
            for recorded in history
            if isinstance(recorded.event, InvestmentAdded)
        ]


async def under_way(door: Door) -> int:
    """How many events are not known everywhere, and reminders due and not sent and reported."""
    async with door.pool.acquire() as connection:
        due = await connection.fetchval(
            "select count(*) from read.notices where status <> 'suppressed' and status <> 'sent' "
            "and planned_for <= $1",
            await door.now(),
        )
        pending = await connection.fetchval(
            "select count(*) from read.deliveries where outcome = 'pending'"
        )
        unread = await queries.unread(connection, reader=FOLLOWER)
        unfinished = len(await listed(queries.unfinished_mails(connection)))
        return int(due + pending + unread + unfinished)


async def collect(door: Door) -> Findings:
    """Read the store and the Maildir."""
    async with door.pool.acquire() as connection:
        streams = [row["stream"] for row in await listed(queries.all_streams(connection))]
        histories = {
            stream: await read_stream(connection, door.vault, stream)
            for stream in streams
            if stream.startswith(("engagement:", "lea:"))
        }
        refused = await connection.fetch(
            "select stream, receipt->>'refusal' as kind from es.receipts "
            "where receipt->>'outcome' = 'refused' order by recorded_at"
        )
        events = await connection.fetchval("select count(*) from es.events")
        overviews = await connection.fetch(
            "select o.person, o.overview, o.period, o.empty, m.message_id, p.email as to"
            " from ops.overviews o join read.people p on p.id = o.person"
            " left join ops.mails m on m.id = o.mail order by o.period, o.overview, o.person"
        )
        settings = await program(connection)
        assert settings is not None
        book = await playbook(connection, settings.playbook)
        assert book is not None
        on_their_way = await listed(queries.unfinished_mails(connection))
        rows = await listed(queries.engagements(connection, phase=None, person=None))
        ledgers = {
            row["id"]: await listed(
                queries.ledger(connection, stream=f"engagement:{row['id']}", item=None)
            )
            for row in rows
        }
    return Findings(
        histories=histories,
        refusals=tuple((row["stream"], row["kind"]) for row in refused),
        mails=tuple(m.message() for m in caught_mails(door.settings.home / "mail")),
        events=events,
        unsettled=len(on_their_way),
        portfolio={row["id"]: (row["phase"], row["invested"]) for row in rows},
        ledgers={id_: {n["n"]: n["status"] for n in of} for id_, of in ledgers.items()},
        overviews=tuple(Overseen(**row) for row in overviews),
        rules=book.overviews,
        program=settings,
        until=await door.now(),
    )


def problems(found: Findings, story: Journey) -> dict[str, list[str]]:
    """Everything that is not as it must be, by what was looked at; empty when all is well."""
    engagements = found.engagements
    real = {lea: engagements[lea] for group in story.cohort.groups for lea in group.leas}
    alder = story.alder_creek.engagement
    looked_at = {
        "facts in the registry": _facts(found),
        "investments": _investments(found),
        "marks of what is illustrative": _marks(found),
        "two years of the twelve": (s for lea, st in real.items() for s in _on_time(lea, st)),
        "refusals": _refusals(found, story),
        "the overdue deliverable": _escalated(engagements[alder]),
        "portfolio and ledgers against the events": _shown(found, engagements),
        "notices and their ends": _notices(found, engagements),
        "mails and their reasons": _accounted(found, engagements),
        "overviews that were owed": _overviews(found, engagements),
        "addresses": _addresses(found),
    }
    return {what: said for what, each in looked_at.items() if (said := list(each))}


def _facts(found: Findings) -> Iterator[str]:
    """The registry holds what the file says; what the report does not say is still null."""
    for row in load(LEAS):
        [recorded] = found.histories[f"lea:{row['id']}"]
        assert isinstance(recorded.event, LeaRegistered)
        held = [fact.model_dump(exclude_none=True) for fact in recorded.event.facts]
        wanted = [{k: v for k, v in fact.items() if v is not None} for fact in row["facts"]]
        if held != wanted:
            yield f"{row['id']}: the facts in the registry are not those of {LEAS.name}"
        if recorded.event.illustrative:
            yield f"{row['id']}: its facts are marked as illustrative"


def _investments(found: Findings) -> Iterator[str]:
    invested = found.invested()
    total = sum((event.amount for _, event in invested), Decimal(0))
    rows = load(INVESTMENTS)
    if total != stated_total() or len(invested) != len(rows):
        yield (
            f"{len(invested)} investments of ${total:,} in the events, {len(rows)} of "
            f"${stated_total():,} in {INVESTMENTS.name}"
        )
    leas = {engagement for engagement, _ in invested}
    if leas != {row["engagement"] for row in rows}:
        yield f"investments are with other LEAs than in {INVESTMENTS.name}: {sorted(leas)}"


def _marks(found: Findings) -> Iterator[str]:
    """What was invented says so, and what the report states does not."""
    for stream, history in found.histories.items():
        if not stream.startswith("engagement:"):
            continue
        for recorded in history:
            stated = isinstance(recorded.event, InvestmentAdded)
            if recorded.event.illustrative == stated:
                yield f"{stream}@{recorded.stamp.version} {recorded.event.type}: wrongly marked"
    for mail in found.mails:
        for kind in ("plain", "html"):
            part = mail.get_body((kind,))
            if part is None or MARK not in part.get_content().casefold():
                yield f"mail {mail['Message-ID']}: its {kind} part does not say {MARK!r}"


def _on_time(lea: str, state: State) -> Iterator[str]:
    """A real LEA's two years: complete, and nothing late."""
    engagement = state.of(Engagement)
    if engagement.phase != "closed" or engagement.waived:
        yield f"{lea}: is {engagement.phase}, waived {list(engagement.waived)}"
    deliverables = state.of(Deliverables).all.values()
    if len(deliverables) < YEARS:
        yield f"{lea}: {len(deliverables)} deliverables"
    for d in deliverables:
        in_time = d.due is not None and len(d.submissions) == 1 and d.submissions[0] < d.due
        if d.status != "accepted" or d.past or not in_time:
            yield f"{lea}: {d.id} is {d.status}, due {d.due}, submitted {d.submissions}"
        yield from _reminded(lea, d.id, state, ("t-14", "t-3"))
    [agreement] = state.of(Agreements).all
    checkins = state.of(CheckIns).all
    if agreement.effective_on is None or len(checkins) != YEARS:
        yield f"{lea}: agreement {agreement.effective_on}, {len(checkins)} check-ins"
        return
    for number, checkin in enumerate(checkins, start=1):
        by = add_months(agreement.effective_on, 12 * number)
        answered = len(checkin.closed.purposes) if checkin.closed else 0
        if checkin.held_on is None or checkin.held_on >= by or answered != PURPOSES:
            yield f"{lea}: {checkin.id} held {checkin.held_on}, owed by {by}, {answered} purposes"
        yield from _reminded(lea, checkin.id, state, ("t-14", "t-3"))
    for notice in state.of(Notices).all.values():
        if notice.planned.step in OVERDUE and notice.status != "suppressed":
            yield f"{lea}: {notice.planned.item} {notice.planned.step} is {notice.status}"


def _reminded(lea: str, item: str, state: State, steps: Iterable[str]) -> Iterator[str]:
    sent = {
        n.planned.step
        for n in state.of(Notices).all.values()
        if n.planned.item == item and n.status == "sent"
    }
    missing = [step for step in steps if step not in sent]
    if missing:
        yield f"{lea}: no reminder {', '.join(missing)} of {item} was sent"


def _refusals(found: Findings, story: Journey) -> Iterator[str]:
    """The two that the story asks for, both of the district that does not exist."""
    stream = f"engagement:{story.alder_creek.engagement}"
    wanted = [(stream, row["refused"]) for row in story.alder_creek.rows if "refused" in row]
    if list(found.refusals) != wanted:
        yield f"refused were {list(found.refusals)}, and should be {wanted}"


def _escalated(state: State) -> Iterator[str]:
    """The one overdue deliverable reached the LEA, its Lead and its Director."""
    if state.of(Engagement).phase != "withdrawn":
        yield f"{state.id}: is {state.of(Engagement).phase}"
    roles = state.of(Engagement).roles
    wanted = {roles["lea_contact"], roles["lead"], roles["director"]}
    last = [
        n
        for n in state.of(Notices).all.values()
        if n.planned.step == "+10" and n.status == "sent" and set(n.deliveries) == wanted
    ]
    if len(last) != 1:
        yield f"{state.id}: {len(last)} reminders reached LEA, Lead and Director, not 1"


def _shown(found: Findings, engagements: Mapping[str, State]) -> Iterator[str]:
    """What the portfolio and the ledgers show is what follows from the events."""
    portfolio = {
        name: (str(state.of(Engagement).phase), state.of(Investments).total)
        for name, state in engagements.items()
    }
    if portfolio != found.portfolio:
        yield f"the portfolio shows {found.portfolio}, and the events say {portfolio}"
    for name, state in engagements.items():
        outcomes = {n: notice.status for n, notice in state.of(Notices).all.items()}
        if outcomes != found.ledgers[name]:
            yield f"{name}: the ledger shows other outcomes than the events say"


def _notices(found: Findings, engagements: Mapping[str, State]) -> Iterator[str]:
    """Every planned notice ended, and every sent one is in a mail that was caught."""
    caught = {str(mail["Message-ID"]) for mail in found.mails}
    for name, notice in notices(engagements):
        label = f"{name}: {notice.planned.item} {notice.planned.step}"
        if notice.status not in ("sent", "suppressed"):
            yield f"{label} is {notice.status}"
        if notice.status == "suppressed" and not notice.reason:
            yield f"{label} is suppressed without a reason"
        for delivery in notice.deliveries.values():
            if delivery.outcome != "sent" or str(delivery.message_id) not in caught:
                yield f"{label} is {delivery.outcome} in mail {delivery.message_id}"


def _accounted(found: Findings, engagements: Mapping[str, State]) -> Iterator[str]:
    """Every mail that was caught was caught once, and for a reason that the record knows."""
    if found.unsettled:
        yield f"{found.unsettled} mails are still on their way"
    caught = Counter(str(mail["Message-ID"]) for mail in found.mails)
    yield from (f"mail {name} was caught {n} times" for name, n in caught.items() if n != 1)
    why = reasons(found, engagements)
    for mail in found.mails:
        if str(mail["Message-ID"]) not in why:
            yield f"mail {mail['Message-ID']}, {mail['Subject']!r}, has no reason"
    yield from (f"mail {name} was not caught" for name in why.keys() - caught.keys())


def reasons(found: Findings, engagements: Mapping[str, State]) -> dict[str, set[str]]:
    """Why each mail went, by its Message-ID: reminder, alarm, or the title of an overview."""
    why: dict[str, set[str]] = {}
    for _, notice in notices(engagements):
        for delivery in notice.deliveries.values():
            told = "alarm" if notice.planned.alarm else "reminder"
            why.setdefault(str(delivery.message_id), set()).add(told)
    titles = {rules.id: rules.title for rules in found.rules}
    for one in found.overviews:
        if one.message_id is not None:
            why.setdefault(one.message_id, set()).add(f"“{titles[one.overview]}”")
    return why


def _overviews(found: Findings, engagements: Mapping[str, State]) -> Iterator[str]:
    """Each Lead's weeks and each Director's months were looked over, on their day and once.

    A mail tells of it to that person alone, by its title, and speaks of nothing but their LEAs.
    """
    owed = {
        (engagement.roles[rules.to], rules.id, rules.period(day))
        for rules in found.rules
        for stream, history in found.histories.items()
        if stream.startswith("engagement:")
        for engagement in [engagements[stream.partition(":")[2]].of(Engagement)]
        for day in _days_looked_over(found, rules, history)
    }
    known = {(o.person, o.overview, o.period) for o in found.overviews}
    yield from (f"{' '.join(one)} was owed, and is not there" for one in sorted(owed - known))
    yield from (f"{' '.join(one)} was not owed" for one in sorted(known - owed))
    mails = {str(mail["Message-ID"]): mail for mail in found.mails}
    rules_of = {rules.id: rules for rules in found.rules}
    for one in found.overviews:
        label = f"{one.overview} {one.period} for {one.to}"
        if one.empty != (one.message_id is None):
            yield f"{label}: {'a mail with nothing to say' if one.empty else 'no mail went'}"
        if one.message_id is None:
            continue
        mail = mails.get(one.message_id)
        if mail is None:
            yield f"{label}: its mail {one.message_id} was not caught"
            continue
        rules = rules_of[one.overview]
        sent = mail["Date"].datetime.astimezone(ZoneInfo(found.program.zone))
        if rules.period(sent.date()) != one.period or sent.date() != rules.day(
            sent.date(), WorkingDays(found.program.calendar)
        ):
            yield f"{label}: its mail went on {sent:%Y-%m-%d}"
        if [a.addr_spec for a in mail["To"].addresses] != [one.to]:
            yield f"{label}: its mail went to {mail['To']}"
        body = mail.get_body(("plain",))
        text = " ".join(body.get_content().split()) if body else ""
        if rules.title.casefold() not in text.casefold():
            yield f"{label}: its mail does not say {rules.title!r}"
        own = {
            " ".join((engagement.lea_name or "").split())
            for state in engagements.values()
            for engagement in [state.of(Engagement)]
            if engagement.roles[rules.to] == one.person
        }
        if not any(lea in text for lea in own):
            yield f"{label}: its mail speaks of none of their LEAs"


def _days_looked_over(
    found: Findings, rules: OverviewRules, history: Iterable[Recorded]
) -> Iterator[date]:
    """The days of an overview, by the clock's own counting, on which an engagement was open."""
    days, zone = WorkingDays(found.program.calendar), found.program.zone
    opened, ended = None, found.until
    for recorded in history:
        if isinstance(recorded.event, EngagementOpened):
            opened = recorded.stamp.recorded_at
        elif isinstance(recorded.event, EngagementClosed | EngagementWithdrawn):
            ended = recorded.stamp.recorded_at
    assert opened is not None
    moment = rules.next_moment(opened - timedelta(seconds=1), days, zone)
    while moment < ended:
        yield moment.astimezone(ZoneInfo(zone)).date()
        moment = rules.next_moment(moment, days, zone)


def _addresses(found: Findings) -> Iterator[str]:
    """No address could reach anybody."""
    for mail in found.mails:
        for address in (*mail["To"].addresses, *mail["From"].addresses):
            if not address.domain.endswith(".example"):
                yield f"mail {mail['Message-ID']}: {address.domain} is not an example address"


def notices(engagements: Mapping[str, State]) -> list[tuple[str, Notice]]:
    """Every notice of every ledger with its engagement."""
    return [
        (name, notice)
        for name, state in engagements.items()
        for notice in state.of(Notices).all.values()
    ]


def sent_by_kind(
    engagements: Mapping[str, State], fictional: str
) -> list[tuple[str, int, int, int]]:
    """Per step of the reminder policy: notices of the real LEAs, of the fictional one, mails."""
    found: dict[str, tuple[int, int, set[Any]]] = {}
    for name, notice in notices(engagements):
        if notice.status == "sent":
            real, other, mails = found.get(notice.planned.step, (0, 0, set()))
            mails |= {d.message_id for d in notice.deliveries.values()}
            fiction = name == fictional
            found[notice.planned.step] = (real + (not fiction), other + fiction, mails)
    order = ("t-14", "t-3", "due", *OVERDUE)
    return [
        (step, found[step][0], found[step][1], len(found[step][2]))
        for step in sorted(found, key=order.index)
    ]


def board_state(shown: Mapping[str, Any], board: str) -> tuple[str, date | None]:
    """What `handrail engagement show --json` says of a board: its state and its last meeting."""
    item = shown["agreements"][0]["boards"][board]
    return item["state"], item["meeting"]

"""Money that must be committed in time: who is told when, and what ends it."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Refused,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.money.appropriations import AppropriationCharged
from domain.money.expiry import (
    AppropriationExpired,
    AppropriationLetLapse,
    AppropriationResumed,
    over,
)
from domain.money.investments import InvestmentAdded
from domain.owing.obligations import obligations
from domain.policy.calendar import Closure, WorkingDays, local_date
from domain.policy.playbook import Playbook
from domain.reminders.bounces import AddressMended, Bounces, SettleAddress
from domain.reminders.notices import ClaimNotices, RecordDelivery
from domain.rules.context import SYSTEM
from tests.domain.story import CALENDAR, PLAYBOOK, ZONE, Story, person
from tests.domain.tables import Row, day, table

DTA = {"appropriation": "dta"}
UNTIL = date(2029, 6, 30)
POLICY = PLAYBOOK.policy("expiry")
STEPS = tuple(step.id for step in POLICY.steps)


class Money(Story):
    """An appropriation of $1,000, about which Directors are mailed, and an engagement to invest."""

    about = "appropriation:dta"
    refused: frozenset[str] = frozenset()
    """Whose mail the mail server refuses for good."""

    def recorded(self, **body: Any) -> Self:
        money = {
            "amount": "1000",
            "source": "Budget Act",
            "first": date(2026, 7, 1),
            "until": UNTIL,
        }
        return self.opened().do("appropriation record", "dana", **DTA, **{**money, **body})

    def directors(self, *handles: str) -> Self:
        """Let these be the Directors."""
        for entry in {p.id: p for p in self.people.values()}.values():
            roles = entry.staff_roles - {"director"}
            if entry.handle in handles:
                roles |= {"director"}
            known = replace(entry, staff_roles=roles)
            self.people[known.id] = self.people[known.handle] = known
        for handle in set(handles) - self.people.keys():
            known = person(handle, handle.title(), "director")
            self.people[known.id] = self.people[known.handle] = known
        return self

    def do(self, what: Any, actor: str = "tess", /, **rest: Any) -> Self:
        if isinstance(what, RecordDelivery) and what.person in self.refused:
            what = what.model_copy(update={"outcome": "bounced", "detail": "550 no such mailbox"})
        return super().do(what, actor, **rest)

    def invested(self, amount: str, **more: Any) -> Self:
        years = CALENDAR.fiscal_year
        assert years is not None
        body = {"amount": amount, "purpose": f"for {amount}", "fy": years.of(self.today), **more}
        return self.do("investment add", **body)

    def fates(self) -> list[tuple[int, str, str, str | None]]:
        return [
            (n.planned.round, n.planned.step, n.status, n.reason)
            for n in self.ledger("money/commit")
        ]


def steps(cell: str) -> tuple[str, ...]:
    return tuple(step.strip() for step in cell.split(",") if step.strip())


@pytest.mark.parametrize(
    "row", table("investments.md", "Money to commit"), ids=lambda r: r["Until"]
)
def test_directors_are_reminded_on_the_days_of_the_table(row: Row) -> None:
    days = WorkingDays(CALENDAR)
    moments = POLICY.moments(day(row["Until"]), days, ZONE)
    assert {s.id: local_date(at, ZONE) for s, at in moments} == {s: day(row[s]) for s in STEPS}
    story = Money(date(2026, 8, 4)).recorded(until=day(row["Until"]))
    assert story.planned_days("money/commit") == [day(row[s]) for s in STEPS]


def test_each_reminder_goes_on_its_day_and_says_what_is_left() -> None:
    story = Money().recorded().on(date(2029, 7, 2))
    assert [(m.person, m.on) for m in story.mails] == [
        ("p-dana", on)
        for on in (
            date(2029, 3, 2), date(2029, 5, 1), date(2029, 5, 31), date(2029, 6, 18),
            date(2029, 6, 29),
        )
    ]  # fmt: skip
    [owed] = obligations(story.state(), story.context(SYSTEM, None))
    assert (owed.due, owed.owner, owed.side) == (UNTIL, "director", "agency")
    assert "$1,000.00 that is left of $1,000.00" in owed.ask
    assert owed.command == "handrail appropriation show dta"


@pytest.mark.parametrize(
    "row",
    table("investments.md", "When money need not be committed any more"),
    ids=lambda r: r["What is recorded"],
)
def test_reminders_of_money_end_as_the_table_says(row: Row) -> None:
    story = Money().recorded()
    match row["What is recorded"].split():
        case ["$1,000", "is", _]:
            story.on(day(row["Day"])).invested("1000")
        case ["$400", "is", _]:
            story.on(day(row["Day"])).invested("400")
        case ["what", "is", "left", "may", "lapse"]:
            story.on(day(row["Day"])).do("appropriation lapse", "dana", **DTA, reason="it ends")
        case ["the", "last", "day", "is", *when]:
            story.on(day(row["Day"]))
            until = day(" ".join(when))
            story.do("appropriation correct", "dana", **DTA, until=until, reason="a new act")
        case ["$1,000,", "invested", "on", *when, "is", "withdrawn"]:
            story.on(day(" ".join(when).rstrip(","))).invested("1000")
            story.on(day(row["Day"])).do("investment withdraw", investment="INV-1", reason="never")
        case ["nothing;", "no", "worker", "ran", "since", *when]:
            story.on(day(" ".join(when))).away_until(day(row["Day"]), time(8)).until(story.now)
        case _:
            raise AssertionError(f"nobody knows how to do this: {row}")
    fates = story.fates()
    assert tuple(s for _, s, status, _ in fates if status == "sent") == steps(row["Sent before"])
    suppressed = [(s, why) for _, s, status, why in fates if status == "suppressed"]
    assert tuple(s for s, _ in suppressed) == steps(row["Not sent"])
    assert {why for _, why in suppressed} == {row["Why"]} - {""}
    anew = [(r, s) for r, s, status, _ in fates[len(STEPS) :] if status == "planned"]
    assert tuple(s for _, s in anew) == steps(row["Planned anew"])
    assert {r for r, _ in anew} <= {1 + (row["Why"] == "re-dated")}


@pytest.mark.parametrize("row", table("investments.md", "Who is reminded of money"), ids=str)
def test_money_is_told_to_the_people_of_the_table(row: Row) -> None:
    story = Money().recorded().directors(*(row["Directors"].lower().split(", ")))
    for pair in filter(None, row["Fallback contact"].split(", ")):
        who, other = (part.strip().lower() for part in pair.split(":"))
        known = replace(story.people[who], fallback=f"p-{other}")
        story.people[known.id] = story.people[known.handle] = known
    gone = tuple(filter(None, row["Mail comes back from"].lower().split(", ")))
    story.refused = frozenset(f"p-{who}" for who in gone)
    story.on(date(2029, 3, 6))
    told = {m.person for m in story.mails if ("money/commit", 1, "t-120") in m.items}
    arrived = told - story.refused
    assert arrived == {f"p-{who}" for who in row["Reaches"].lower().split(", ")}
    [notice] = [n for n in story.ledger("money/commit") if n.planned.step == "t-120"]
    fates = {who: d.outcome for who, d in notice.deliveries.items()}
    assert fates == {**dict.fromkeys(arrived, "sent"), **dict.fromkeys(story.refused, "bounced")}
    assert set(story.state().of(Bounces).open) == story.refused
    tasks = {n.planned.item for n in story.ledger() if n.planned.item != "money/commit"}
    assert tasks == {f"address/{who}" for who in story.refused}


def test_a_director_who_comes_is_told_and_one_who_left_is_not() -> None:
    story = Money().recorded().on(date(2029, 3, 5))
    story.directors("dana", "erin").on(date(2029, 5, 2))
    known = replace(story.people["dana"], left_on=date(2029, 5, 20))
    story.people[known.id] = story.people[known.handle] = known
    story.on(date(2029, 6, 1))
    assert [(m.person, m.on) for m in story.mails] == [
        ("p-dana", date(2029, 3, 2)),
        ("p-dana", date(2029, 5, 1)),
        ("p-erin", date(2029, 5, 1)),
        ("p-erin", date(2029, 5, 31)),
    ]


def test_an_address_that_is_mended_is_written_to_again() -> None:
    story = Money().recorded().directors("dana", "erin")
    story.refused = frozenset({"p-dana"})
    story.on(date(2029, 3, 5))
    assert story.ledger("address/p-dana")[0].planned.to == ("assistant",)
    story.refused = frozenset()
    story.do(SettleAddress(of=story.about, person="p-dana", why="changed"), SYSTEM)
    story.on(date(2029, 5, 2))
    assert [m.person for m in story.mails if m.on == date(2029, 5, 1)] == ["p-dana", "p-erin"]


def test_an_address_that_is_right_after_all_is_confirmed() -> None:
    story = Money().recorded().directors("dana", "erin")
    confirm = {**DTA, "person": "dana", "note": "The mailbox was full."}
    story.when("appropriation confirm-address", "tess", **confirm).refuses(
        WrongState, "p-dana", "handrail ledger dta"
    )
    story.refused = frozenset({"p-dana"})
    story.on(date(2029, 3, 5))
    story.refused = frozenset()
    story.when("appropriation confirm-address", "tess", **confirm).records(AddressMended)
    fates = [(n.planned.step, n.reason) for n in story.ledger("address/p-dana")]
    assert fates == [("t-2", None), ("due", "address confirmed"), ("+5", "address confirmed")]
    story.on(date(2029, 5, 2))
    assert [m.person for m in story.mails if m.on == date(2029, 5, 1)] == ["p-dana", "p-erin"]
    story.when(
        "appropriation confirm-address", "tess", **{**confirm, "appropriation": "dtb"}
    ).refuses(Unknown, "'dtb'")


def test_whoever_reads_weekly_is_told_on_the_first_working_day_of_the_week() -> None:
    story = Money().recorded()
    known = replace(story.people["dana"], digest="weekly")
    story.people[known.id] = story.people[known.handle] = known
    story.do("notices reconcile", SYSTEM, of=story.about).on(date(2029, 7, 2))
    assert [m.on for m in story.mails] == [
        date(2029, 2, 26), date(2029, 4, 30), date(2029, 5, 29), date(2029, 6, 18),
        date(2029, 6, 25),
    ]  # fmt: skip


def test_a_claim_that_comes_too_late_takes_nothing_of_what_has_expired() -> None:
    story = Money().recorded().on(date(2029, 6, 20)).away_until(date(2029, 7, 2), time(8))
    claim = ClaimNotices(
        of=story.about, mail=UUID(int=1), message_id="<x@y>", person="p-dana", on=story.today
    )
    story.do(claim, SYSTEM)
    [expired] = [e for e in story.news if isinstance(e, AppropriationExpired)]
    assert (expired.round, expired.until, expired.left) == (1, UNTIL, Decimal(1000))
    assert story.fates()[-1] == (1, "due", "suppressed", "expired")


def test_what_expired_is_recorded_once_on_the_day_after() -> None:
    story = Money().recorded().invested("999.99").on(date(2029, 7, 20))
    expired = [r for r in story.history() if isinstance(r.event, AppropriationExpired)]
    assert [local_date(r.stamp.effective_at, ZONE) for r in expired] == [date(2029, 7, 1)]
    assert expired[0].event.sentence() == (
        "Appropriation dta expired: $0.01 of it was not invested by Sat 30 Jun 2029."
    )
    assert over(story.state()) == "expired"


def test_nothing_expires_of_what_is_invested_or_may_lapse() -> None:
    spent = Money().recorded().invested("1000").on(date(2029, 7, 20))
    assert over(spent.state()) == "all invested"
    gone = Money().recorded().do("appropriation lapse", "dana", **DTA, reason="r")
    assert over(gone.on(date(2029, 7, 20)).state()) == "let lapse"
    for story in (spent, gone):
        assert not [r for r in story.history() if isinstance(r.event, AppropriationExpired)]
        assert story.mails == []


def test_an_investment_withdrawn_after_the_last_day_leaves_what_has_expired() -> None:
    story = Money().recorded().invested("1000").on(date(2029, 7, 20))
    story.do("investment withdraw", investment="INV-1", reason="never made")
    assert [e.type for e in story.news] == [
        "investment-withdrawn", "appropriation-released", "appropriation-expired",
    ]  # fmt: skip
    assert over(story.state()) == "expired"


def test_another_last_day_revives_what_has_expired() -> None:
    story = Money().recorded().on(date(2029, 7, 20))
    until = date(2030, 6, 30)
    story.do("appropriation correct", "dana", **DTA, until=until, reason="re-appropriated")
    assert over(story.state()) is None
    assert story.planned_days("money/commit", 2)[0] == date(2030, 3, 1)
    story.on(date(2030, 7, 2))
    assert len(story.mails) == 10


def test_more_or_less_money_moves_no_reminder() -> None:
    story = Money().recorded()
    plan = story.fates()
    story.do("appropriation correct", "dana", **DTA, amount="5000", reason="more")
    story.invested("4000")
    assert story.fates() == plan


def test_what_may_lapse_covers_what_was_left_that_day() -> None:
    story = Money().recorded().invested("600")
    [event] = story.when("appropriation lapse", "dana", **DTA, reason="It ends.").records(
        AppropriationLetLapse
    )
    assert event.sentence() == "$400.00 of appropriation dta may lapse: It ends."
    story.invested("100")
    assert over(story.state()) == "let lapse", "less is left than may lapse"
    story.do("appropriation correct", "dana", **DTA, amount="1200", reason="more")
    assert over(story.state()) is None, "more is left than may lapse"
    assert [status for _, _, status, _ in story.fates()[5:]] == ["planned"] * 5


def test_another_last_day_is_not_covered_by_what_may_lapse() -> None:
    story = Money().recorded().do("appropriation lapse", "dana", **DTA, reason="r")
    until = date(2030, 6, 30)
    story.do("appropriation correct", "dana", **DTA, until=until, reason="re-appropriated")
    assert over(story.state()) is None


def test_what_was_to_lapse_is_committed_after_all() -> None:
    story = Money().recorded().do("appropriation lapse", "dana", **DTA, reason="r")
    [event] = story.when("appropriation resume", "dana", **DTA, reason="Another LEA.").records(
        AppropriationResumed
    )
    assert event.sentence() == (
        "What is left of appropriation dta is to be committed after all: Another LEA."
    )
    assert [(s, why) for _, _, s, why in story.fates()[5:]] == [("planned", None)] * 5


def as_it_is(story: Money) -> Money:
    return story


def lapsed(story: Money) -> Money:
    return story.do("appropriation lapse", "dana", **DTA, reason="r")


def spent(story: Money) -> Money:
    return story.invested("1000")


def late(story: Money) -> Money:
    return story.on(date(2029, 7, 2))


@pytest.mark.parametrize(
    ("verb", "who", "given", "kind", "words"),
    [
        pytest.param("lapse", "tess", as_it_is, WrongPerson, "Ask a Director", id="an assistant"),
        pytest.param("resume", "marcus", lapsed, WrongPerson, "Ask a Director", id="a Lead"),
        pytest.param("lapse", "dana", lapsed, AlreadyExists, "resume dta", id="twice"),
        pytest.param("lapse", "dana", spent, WrongState, "$1,000.00 is invested", id="none left"),
        pytest.param("lapse", "dana", late, WrongState, "has expired", id="expired"),
        pytest.param("resume", "dana", as_it_is, WrongState, "nothing to resume", id="no lapse"),
        pytest.param(
            "resume", "dana", lambda s: late(lapsed(s)), WrongState, "has lapsed", id="too late"
        ),
    ],
)
def test_letting_money_lapse_is_refused(
    verb: str, who: str, given: Callable[[Money], Money], kind: type[Refused], words: str
) -> None:
    story = given(Money().recorded())
    story.when(f"appropriation {verb}", who, **DTA, reason="r").refuses(kind, words)


@pytest.mark.parametrize("verb", ["lapse", "resume"])
def test_an_appropriation_that_is_not_there_is_named(verb: str) -> None:
    story = Money().recorded()
    story.when(f"appropriation {verb}", "dana", appropriation="dtb", reason="r").refuses(
        Unknown, "'dtb'", "Did you mean dta"
    )


def test_a_decision_to_let_money_lapse_is_not_of_tomorrow() -> None:
    story = Money().recorded()
    story.when(
        "appropriation lapse", "dana", **DTA, reason="r", effective=date(2026, 8, 5)
    ).refuses(ImpossibleDate, "Wed 5 Aug 2026")


def test_a_new_calendar_or_playbook_moves_what_is_planned_and_says_so() -> None:
    story = Money().recorded()
    closed = Closure(name="Move", first=date(2029, 5, 31), last=date(2029, 5, 31))
    assert story.program is not None
    calendar = CALENDAR.model_copy(update={"version": 2, "closures": (closed,)})
    story.program = replace(story.program, calendar=calendar)
    story.do("notices reconcile", SYSTEM, of=story.about)
    assert story.planned_days("money/commit")[2:] == [
        date(2029, 6, 18), date(2029, 6, 29), date(2029, 5, 30),
    ]  # fmt: skip
    gone = [(step, why) for _, step, status, why in story.fates() if status == "suppressed"]
    assert gone == [("t-30", "calendar or playbook changed")]

    early = POLICY.model_copy(
        update={
            "steps": tuple(
                s.model_copy(update={"days": -90}) if s.id == "t-60" else s for s in POLICY.steps
            )
        }
    )
    others = tuple(p for p in PLAYBOOK.policies if p.id != "expiry")
    story.playbook = PLAYBOOK.model_copy(update={"version": 4, "policies": (*others, early)})
    story.do("notices reconcile", SYSTEM, of=story.about)
    gone = [(step, why) for _, step, status, why in story.fates() if status == "suppressed"]
    assert gone[-1] == ("t-30", "calendar or playbook changed")
    assert ("t-60", "calendar or playbook changed") in gone
    assert date(2029, 3, 30) in story.planned_days("money/commit")


def test_a_playbook_that_says_nothing_of_money_reminds_nobody_and_it_is_owed_all_the_same() -> None:
    story = Money()
    story.playbook = PLAYBOOK.model_copy(update={"appropriations": None})
    story.recorded().on(date(2029, 6, 29))
    assert (story.mails, story.ledger()) == ([], [])
    [owed] = obligations(story.state(), story.context(SYSTEM, None))
    assert (owed.due, owed.policy) == (UNTIL, None)


def test_a_playbook_cannot_remind_of_money_by_an_alarm() -> None:
    body = PLAYBOOK.model_dump()
    with pytest.raises(ValidationError, match="name one without any_hour"):
        Playbook.model_validate({**body, "appropriations": {"policy": "posting"}})
    with pytest.raises(ValidationError, match="'nowhere' is used but not defined"):
        Playbook.model_validate({**body, "appropriations": {"policy": "nowhere"}})


def test_investing_is_never_in_the_way_of_what_may_lapse() -> None:
    story = Money().recorded().do("appropriation lapse", "dana", **DTA, reason="r")
    story.when("investment add", amount="1", purpose="p", fy="2026-27").records(
        InvestmentAdded, AppropriationCharged
    )


DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 250)),
        st.tuples(st.just("invest"), st.sampled_from(["1", "400", "600", "1000"])),
        st.tuples(st.just("withdraw"), st.integers(1, 3)),
        st.tuples(st.just("amount"), st.sampled_from(["400", "1000", "2000"])),
        st.tuples(st.just("until"), st.sampled_from([date(2027, 6, 30), UNTIL, date(2030, 6, 30)])),
        st.tuples(st.sampled_from(["lapse", "resume"]), st.just("r")),
    ),
    max_size=12,
)


def done(story: Money, deed: str, value: Any) -> None:
    match deed:
        case "wait":
            story.on(story.today + timedelta(days=value))
        case "invest":
            story.invested(value, purpose=f"at {story.now}")
        case "withdraw":
            story.do("investment withdraw", investment=f"INV-{value}", reason="r")
        case "amount" | "until":
            story.do("appropriation correct", "dana", **DTA, reason="r", **{deed: value})
        case _:
            story.do(f"appropriation {deed}", "dana", **DTA, reason=value)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(deeds=DEEDS)
def test_every_reminder_of_money_ends_and_none_is_planned_once_nothing_is_owed(
    deeds: list[tuple[str, Any]],
) -> None:
    story = Money().recorded()
    for deed, value in deeds:
        with suppress(Refused):
            done(story, deed, value)
        assert not over(story.state()) or "planned" not in {s for _, _, s, _ in story.fates()}
    story.on(date(2030, 8, 1))
    assert over(story.state()) is not None
    assert {status for _, _, status, _ in story.fates()} <= {"sent", "suppressed"}
    told = Counter((m.person, *item) for m in story.mails for item in m.items)
    assert set(told.values()) <= {1}, "nobody is told twice"

"""Mail that comes back: docs/rules/reminders.md, row by row, and who hears of it instead."""

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from domain.kernel.messages import Event
from domain.kernel.refusals import ImpossibleDate, Unknown, WrongState
from domain.owing.obligations import obligations
from domain.policy.calendar import at_local
from domain.reminders.bounces import AddressBounced, AddressMended, Bounces, SettleAddress
from domain.reminders.delivering import record_return
from domain.reminders.notices import (
    Notice,
    NoticesDelivered,
    RecipientsAdded,
    RecipientsDropped,
    RecordDelivery,
    RecordReturn,
)
from domain.rules.context import SYSTEM
from tests.domain.reminders.test_reminders import spring
from tests.domain.story import ALDER, ENGAGEMENT, PLAYBOOK, ZONE, Mail, Story
from tests.domain.tables import Row, day, table

WHO = {"Joy": "p-joy", "Elena": "p-elena", "Marcus": "p-marcus", "Dana": "p-dana", "Tess": "p-tess"}


class Bouncing(Story):
    """A story in which the mail server refuses some people's mail for good."""

    refused: frozenset[str] = frozenset()

    def do(self, what: Any, actor: str = "tess", /, **rest: Any) -> "Bouncing":
        if isinstance(what, RecordDelivery) and what.person in self.refused:
            what = what.model_copy(
                update={"outcome": "bounced", "detail": "550 5.1.1 no such mailbox"}
            )
        super().do(what, actor, **rest)
        return self

    @property
    def arrived(self) -> list[Mail]:
        return [m for m in self.mails if m.person not in self.refused]


def bouncing(*handles: str, due: date = date(2027, 4, 16), assistant: bool = False) -> Bouncing:
    """D1 is agreed for a day in April, and mail to some people comes back."""
    told = spring(due).signed()
    story = Bouncing(date(2027, 3, 2))
    story.__dict__.update(told.__dict__)
    if assistant:
        story.do("engagement assign", role="assistant", person="tess")
    story.refused = frozenset(f"p-{handle}" for handle in handles)
    return story


def at(cell: str, hour: time = time(8)) -> datetime:
    return at_local(day(cell), hour, ZONE)


def mail_of(story: Story, who: str, step: str, item: str = "D1") -> UUID:
    [mail] = {
        d.mail
        for n in story.ledger(item)
        if n.planned.step == step and (d := n.deliveries.get(who)) and d.mail
    }
    return mail


def returned(story: Story, who: str, step: str, **more: Any) -> Story:
    """A report says that a mail which the mail server had taken was not delivered."""
    mail = mail_of(story, who, step)
    return story.do(
        RecordReturn(
            of=ENGAGEMENT,
            mail=mail,
            message_id=f"<{mail}@handrail.example>",
            person=who,
            detail="550 5.1.1 user unknown",
            at=story.now,
            **more,
        ),
        SYSTEM,
    )


def fates(notice: Notice) -> dict[str, tuple[str, str | None]]:
    return {who: (d.outcome, d.instead_of) for who, d in notice.deliveries.items()}


def with_fallback(story: Story, handle: str, fallback: str | None) -> None:
    entry = replace(story.people[handle], fallback=f"p-{fallback}" if fallback else None)
    story.people[entry.id] = story.people[handle] = entry


@pytest.mark.parametrize("row", table("reminders.md", "When a mail comes back"), ids=str)
def test_what_came_back_reaches_whoever_the_table_says(row: Row) -> None:
    story = bouncing(*(w.lower() for w in row["Mail comes back from"].split(", ")))
    if row["Fallback contact"]:
        of, fallback = row["Fallback contact"].lower().split(": ")
        with_fallback(story, of, fallback)
    mended = row["Address mended on"]
    if mended:
        story.until(at(mended, time(12)))
        story.refused = frozenset()
        story.do(SettleAddress(of=ENGAGEMENT, person="p-joy", why="changed"), SYSTEM)
    story.until(at(row["Day"], time(17)))
    told = {m.person for m in story.arrived if m.on == day(row["Day"]) for i in m.items
            if i[0] == "D1"}  # fmt: skip
    assert told == {WHO[w] for w in row["D1 reaches"].split(", ") if w != "nobody"}


def test_a_bounce_is_an_event_a_task_and_a_mail_to_whoever_stands_in() -> None:
    story = bouncing("joy", assistant=True).until(at("Mon 5 Apr 2027", time(8, 30)))
    first = story.ledger("D1")[0]
    assert fates(first) == {"p-joy": ("bounced", None), "p-elena": ("sent", "p-joy")}
    assert first.deliveries["p-joy"].detail == "550 5.1.1 no such mailbox"
    assert [(m.person, m.items) for m in story.mails] == [
        ("p-joy", (("D1", 1, "t-14"),)),
        ("p-elena", (("D1", 1, "t-14"),)),
    ]
    [task] = [o for o in owed(story) if o.item == "address/p-joy"]
    assert (task.due, task.owner, task.settled) == (date(2027, 4, 8), "assistant", None)
    assert "p-joy" in task.title


def owed(story: Story) -> list[Any]:
    return obligations(story.state(), story.context(SYSTEM, None))


def test_while_an_address_is_dead_nothing_more_is_sent_there() -> None:
    story = bouncing("joy").until(at("Mon 3 May 2027", time(9)))
    assert len([m for m in story.mails if m.person == "p-joy"]) == 1
    steps = [i[2] for m in story.mails if m.person == "p-elena" for i in m.items if i[0] == "D1"]
    assert steps == ["t-14", "t-3", "due", "+1", "+5", "+10"], "each once"
    later = story.ledger("D1")[1]
    assert fates(later) == {"p-elena": ("sent", "p-joy")}


def test_whoever_looks_for_the_address_is_reminded_and_then_the_lead() -> None:
    story = bouncing("joy", assistant=True).until(at("Fri 16 Apr 2027", time(17)))
    told = [(m.person, i[2]) for m in story.mails for i in m.items if i[0] == "address/p-joy"]
    assert told == [("p-tess", "t-2"), ("p-tess", "due"), ("p-marcus", "+5"), ("p-tess", "+5")]


@pytest.mark.parametrize(
    ("assistant", "dead", "owner"),
    [
        pytest.param(True, ("joy",), "assistant", id="the assistant"),
        pytest.param(False, ("joy",), "lead", id="no assistant: the Lead"),
        pytest.param(False, ("joy", "elena", "marcus"), "director", id="not by their own mail"),
    ],
)
def test_somebody_else_finds_out_the_address(
    assistant: bool, dead: tuple[str, ...], owner: str
) -> None:
    story = bouncing(*dead, assistant=assistant).until(at("Wed 7 Apr 2027"))
    found = {o.item: o.owner for o in owed(story) if o.item.startswith("address/")}
    assert found[f"address/p-{dead[-1]}"] == owner


def test_the_task_has_no_date_where_the_playbook_says_nothing() -> None:
    story = bouncing("joy")
    story.playbook = PLAYBOOK.model_copy(update={"bounces": None})
    story.until(at("Tue 6 Apr 2027"))
    [task] = [o for o in owed(story) if o.item == "address/p-joy"]
    assert (task.due, task.policy, task.settled) == (None, None, None)
    assert story.ledger("address/p-joy") == []


def test_a_changed_address_settles_the_task_and_mail_goes_there_again() -> None:
    story = bouncing("joy").until(at("Tue 6 Apr 2027", time(9)))
    story.refused = frozenset()
    settle = SettleAddress(of=ENGAGEMENT, person="p-joy", why="changed")
    story.do(settle, SYSTEM)
    mended, *_ = story.news
    assert isinstance(mended, AddressMended)
    assert mended.round == 1
    assert story.state().of(Bounces).open == {}
    [task] = [o for o in owed(story) if o.item == "address/p-joy"]
    assert task.settled == "address changed"
    assert [n.reason for n in story.ledger("address/p-joy")] == [None] + ["address changed"] * 2
    story.do(settle, SYSTEM)
    assert story.news == []
    story.until(at("Tue 13 Apr 2027", time(9)))
    assert story.mails[-1].person == "p-joy"


def test_the_next_bounce_is_another_round() -> None:
    story = bouncing("joy").until(at("Tue 6 Apr 2027", time(9)))
    story.do("address confirm", person="joy", note="The mailbox was full.")
    story.until(at("Tue 13 Apr 2027", time(9)))
    tasks = [o for o in owed(story) if o.item == "address/p-joy"]
    assert [(t.round, t.settled) for t in tasks] == [(1, "address confirmed"), (2, None)]


def test_a_report_turns_what_was_sent_into_bounced_and_is_read_once() -> None:
    story = bouncing().until(at("Mon 5 Apr 2027", time(9)))
    assert fates(story.ledger("D1")[0]) == {"p-joy": ("sent", None)}
    returned(story, "p-joy", "t-14")
    assert [type(e) for e in story.news[:3]] == [NoticesDelivered, AddressBounced, RecipientsAdded]
    assert fates(story.ledger("D1")[0]) == {
        "p-joy": ("bounced", None),
        "p-elena": ("pending", "p-joy"),
    }
    returned(story, "p-joy", "t-14")
    assert story.news == []
    story.until(at("Mon 5 Apr 2027", time(10)))
    assert fates(story.ledger("D1")[0])["p-elena"] == ("sent", "p-joy")


def test_a_report_about_somebody_elses_mail_changes_nothing() -> None:
    story = bouncing().until(at("Mon 5 Apr 2027", time(9)))
    mail = uuid5(NAMESPACE_URL, "another")
    command = RecordReturn(
        of=ENGAGEMENT, mail=mail, message_id="<x@y>", person="p-joy", detail="d", at=story.now
    )
    assert record_return(command, story.state(), story.context(SYSTEM, command)) == []


OVERVIEW = uuid5(NAMESPACE_URL, "an overview and nothing else")


def week_back(story: Story, *, returned: bool = False, **more: Any) -> Story:
    """A Lead's mail with nothing but their week is refused, or comes back later."""
    mail: dict[str, Any] = {
        "of": ENGAGEMENT, "mail": OVERVIEW, "message_id": "<o@x>", "person": "p-marcus",
        "detail": "550 5.1.1 no such mailbox", "at": story.now, "overview": True, **more,
    }  # fmt: skip
    command = RecordReturn(**mail) if returned else RecordDelivery(**mail, outcome="bounced")
    return story.do(command, SYSTEM)


@pytest.mark.parametrize("returned", [False, True])
def test_an_overview_that_comes_back_leaves_the_task_without_any_reminder_in_the_mail(
    *, returned: bool
) -> None:
    story = week_back(bouncing(assistant=True), returned=returned)
    dead, *_ = story.news
    assert isinstance(dead, AddressBounced)
    assert (dead.person, dead.mail, dead.round) == ("p-marcus", OVERVIEW, 1)
    [task] = [o for o in owed(story) if o.item == "address/p-marcus"]
    assert (task.owner, task.settled) == ("assistant", None)


def test_an_overview_comes_back_once_whatever_is_told_of_it_again() -> None:
    story = week_back(bouncing(assistant=True))
    assert week_back(story, returned=True).news == []
    story.do("address confirm", person="marcus", note="The mailbox was full.")
    assert week_back(story, returned=True).news == []
    assert week_back(bouncing(assistant=True), current=False).news == []


def test_an_overview_that_went_is_nothing_that_an_engagement_need_keep() -> None:
    story = bouncing(assistant=True)
    story.do(
        RecordDelivery(
            of=ENGAGEMENT, mail=OVERVIEW, message_id="<o@x>", person="p-marcus", outcome="sent",
            detail="250 OK", at=story.now, overview=True,
        ),
        SYSTEM,
    )  # fmt: skip
    assert story.news == []


def test_a_report_about_an_address_that_was_changed_since_marks_nothing_as_dead() -> None:
    story = bouncing().until(at("Mon 5 Apr 2027", time(9)))
    returned(story, "p-joy", "t-14", current=False)
    assert story.state().of(Bounces).open == {}
    assert fates(story.ledger("D1")[0])["p-elena"] == ("pending", "p-joy")
    story.until(at("Tue 13 Apr 2027", time(9)))
    assert story.mails[-1].person == "p-joy", "the new address is written to"


def test_many_reports_at_once_make_no_storm() -> None:
    story = bouncing().until(at("Fri 16 Apr 2027", time(9)))
    for step in ("t-14", "t-3", "due"):
        returned(story, "p-joy", step)
    story.until(at("Fri 16 Apr 2027", time(17)))
    [mail] = [m for m in story.mails if m.person == "p-elena"]
    assert mail.items == (("D1", 1, "due"),), "the latest only"
    assert [fates(n)["p-joy"][0] for n in story.ledger("D1")[:3]] == ["bounced"] * 3
    assert story.state().of(Bounces).rounds("p-joy") == 1


@pytest.mark.parametrize("late", [False, True], ids=["settled", "closed"])
def test_nobody_is_told_instead_once_nothing_is_owed(late: bool) -> None:
    story = bouncing().until(at("Mon 5 Apr 2027", time(9)))
    if late:
        story.do("engagement withdraw", "dana", reason="vacancy")
    else:
        story.by_the_lea("deliverable submit", deliverable="D1")
    returned(story, "p-joy", "t-14")
    kinds: list[type[Event]] = [type(e) for e in story.news if not e.type.startswith("notices-pl")]
    assert kinds == ([NoticesDelivered] if late else [NoticesDelivered, AddressBounced])
    assert fates(story.ledger("D1")[0]) == {"p-joy": ("bounced", None)}


def test_whoever_was_told_already_is_not_told_again_in_somebodys_place() -> None:
    """Joy and Elena are out of reach, so the Lead stands in; five days late he is told anyway."""
    story = bouncing("joy", "elena").until(at("Mon 26 Apr 2027", time(9)))
    [late] = [n for n in story.ledger("D1") if n.planned.step == "+5"]
    assert fates(late) == {"p-marcus": ("sent", None)}
    steps = [i[2] for m in story.mails if m.person == "p-marcus" for i in m.items if i[0] == "D1"]
    assert len(steps) == len(set(steps))


def test_a_new_lead_is_told_in_the_directors_place() -> None:
    story = bouncing().until(at("Fri 30 Apr 2027", time(9)))
    story.do("engagement assign", "dana", role="lead", person="priya")
    returned(story, "p-dana", "+10")
    [late] = [n for n in story.ledger("D1") if n.planned.step == "+10"]
    assert fates(late) == {
        "p-joy": ("sent", None),
        "p-marcus": ("sent", None),
        "p-dana": ("bounced", None),
        "p-priya": ("pending", "p-dana"),
    }


def test_a_new_lead_is_not_told_in_the_place_of_the_lea() -> None:
    story = bouncing().until(at("Fri 30 Apr 2027", time(9)))
    story.do("engagement assign", "dana", role="lead", person="priya")
    returned(story, "p-joy", "+10")
    [late] = [n for n in story.ledger("D1") if n.planned.step == "+10"]
    assert {who for who, d in late.deliveries.items() if d.outcome == "pending"} == {"p-elena"}


def test_a_waiting_mail_to_a_dead_address_is_dropped_for_whoever_stands_in() -> None:
    story = bouncing().proposed(date(2027, 5, 14), "Measures").signed("D2")
    story = story.away_until(date(2027, 4, 30), time(7, 30)).on(date(2027, 4, 30))
    [last] = [n for n in story.ledger("D1") if n.planned.step == "+10"]
    assert fates(last)["p-joy"] == ("pending", None)
    mail = next(
        d.mail
        for n in story.ledger()
        if (d := n.deliveries.get("p-joy")) and d.outcome == "sent" and d.mail
    )
    story.do(
        RecordReturn(
            of=ENGAGEMENT, mail=mail, message_id="<m@h>", person="p-joy", detail="d",
            at=story.now,
        ),
        SYSTEM,
    )  # fmt: skip
    [dropped] = [e for e in story.news if isinstance(e, RecipientsDropped)]
    assert dropped.reason == "mail comes back"
    [ref] = dropped.notices
    assert (ref.recipients, ref.instead) == (("p-joy",), ("p-elena",))
    story.do(SettleAddress(of=ENGAGEMENT, person="p-joy", why="changed"), SYSTEM)
    story.until(at("Mon 3 May 2027", time(9)))
    [last] = [n for n in story.ledger("D1") if n.planned.step == "+10"]
    assert fates(last)["p-elena"] == ("sent", "p-joy"), "not lost between the two"


def test_a_fallback_contact_without_a_role_is_told_and_may_bounce_in_turn() -> None:
    story = bouncing("joy", "noor")
    entry = replace(story.people["noor"], organisation=ALDER)
    story.people[entry.id] = story.people["noor"] = entry
    with_fallback(story, "joy", "noor")
    story.until(at("Mon 5 Apr 2027", time(17)))
    assert fates(story.ledger("D1")[0]) == {
        "p-joy": ("bounced", None),
        "p-noor": ("bounced", "p-joy"),
        "p-elena": ("sent", "p-joy"),
    }
    assert set(story.state().of(Bounces).open) == {"p-joy", "p-noor"}


def test_an_alarm_that_came_back_goes_to_somebody_else_at_once() -> None:
    story = Bouncing(date(2026, 8, 4)).drafted()
    assert isinstance(story, Bouncing)
    story.refused = frozenset({"p-joy", "p-lionel", "p-mendes"})
    story.do("board submit", board="lea", meeting=date(2026, 9, 21), at="18:00")
    story.on(date(2026, 9, 22))
    alarms = [(m.person, m.alarm) for m in story.mails if m.alarm is not None]
    dead = [m for m in alarms if m[0] in story.refused]
    assert dead, alarms
    for _, alarm in dead:
        assert any(who not in story.refused and n == alarm for who, n in alarms)
    assert len(alarms) == len(set(alarms)), "nobody is alarmed twice"


def test_confirming_an_address_is_refused_where_nothing_came_back() -> None:
    story = bouncing().until(at("Tue 6 Apr 2027", time(9)))
    confirm = {"person": "joy", "note": "n"}
    story.when("address confirm", **confirm).refuses(
        WrongState, "p-joy", "none", "handrail ledger alder-creek-usd"
    )
    story.when("address confirm", **{**confirm, "person": "jo"}).refuses(Unknown, "'jo'", "joy")
    returned(story, "p-joy", "t-14")
    story.when("address confirm", effective=date(2027, 4, 7), **confirm).refuses(
        ImpossibleDate, "Wed 7 Apr 2027"
    )
    story.when("address confirm", effective=date(2027, 4, 5), **confirm).refuses(
        ImpossibleDate, "Tue 6 Apr 2027", "--on"
    )
    story.when("address confirm", person="elena", note="n").refuses(WrongState, "p-joy")
    [mended] = story.when("address confirm", **confirm).records(AddressMended)
    assert isinstance(mended, AddressMended)
    assert mended.why == "confirmed"
    story.when("address confirm", **confirm).refuses(WrongState, "none")


def test_data_erased_before_sending_leaves_no_task() -> None:
    story = bouncing("joy")
    story.until(at("Mon 5 Apr 2027", time(7)))
    story.refused = frozenset()
    story.until(at("Mon 5 Apr 2027", time(9)))
    entry = replace(story.people["joy"], email=None)
    story.people[entry.id] = story.people["joy"] = entry
    returned(story, "p-joy", "t-14")
    assert not [e for e in story.news if isinstance(e, AddressBounced)]
    assert fates(story.ledger("D1")[0])["p-elena"] == ("pending", "p-joy")

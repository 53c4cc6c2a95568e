"""docs/rules/coaching.md, row by row: contacts, the gap, prongs and dosage."""

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.coaching.contacts import ITEM, Coaching, ContactLogged, ProngOptedIn, ProngOptedOut
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Refused,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.outlook.dosage import Dosage, Month, dosage
from domain.owing.obligations import Obligation, obligations
from domain.policy.calendar import local_date
from domain.policy.parts import CoachingRules
from domain.rules.context import SYSTEM
from tests.domain.story import PLAYBOOK, ZONE, Story
from tests.domain.tables import Row, day, days, table

assert PLAYBOOK.coaching is not None
RULES = PLAYBOOK.coaching
START = date(2027, 3, 24)
VISIT: dict[str, Any] = {"how": "visit", "purpose": "progress of cycle C1", "people": ("joy",)}
OUT: dict[str, Any] = {"prong": "coaching", "reason": "A coach of their own."}


def coached(since: date = START) -> Story:
    return Story(since).effective()


def owed(story: Story) -> list[Obligation]:
    found = obligations(story.state(), story.context(SYSTEM, None))
    return [o for o in found if o.item == ITEM]


def running(story: Story) -> Obligation:
    [one] = [o for o in owed(story) if o.settled is None]
    return one


def seen(story: Story, until: date | None = None) -> Dosage:
    found = dosage(story.state(), RULES, until or story.today)
    assert found is not None
    return found


def told(story: Story) -> list[tuple[str, date]]:
    return [(m.person, m.on) for m in story.mails if any(item == ITEM for item, _, _ in m.items)]


# The tables ---------------------------------------------------------------------------------


def test_the_kinds_of_contact_are_those_of_the_table() -> None:
    rows = table("coaching.md", "Contacts")
    assert [(r["Kind"], r["What it is"], r["Ends a gap"] == "yes") for r in rows] == [
        (k.id, k.name, k.counts) for k in RULES.contact_kinds
    ]


def test_the_prongs_are_those_of_the_table() -> None:
    rows = table("coaching.md", "Prongs")
    assert [(r["Prong"], r["What it is"]) for r in rows] == [(p.id, p.name) for p in RULES.prongs]


def test_sharing_data_is_no_coaching() -> None:
    story = Story(START).drafted().do("agreement draft", type="data-sharing")
    for board in ("lea", "ccee"):
        story.do("agreement act", board=board, agreement="A2", action="approved", meeting=START)
    assert owed(story) == []
    story.when("contact log", "marcus", **VISIT).refuses(WrongState, "agreeing")


@pytest.mark.parametrize("row", table("coaching.md", "The gap"), ids=lambda r: r["What happens"])
def test_a_gap_is_told_to_the_lead_and_then_to_the_director(row: Row) -> None:
    story = coached(day(row["Counted from"]))
    assert running(story).due == day(row["Owed by"])
    assert story.planned_days(ITEM) == [day(row["Lead is told"]), day(row["Director is told"])]
    assert [n.planned.to for n in story.ledger(ITEM)] == [("lead",), ("director",)]


def test_a_spring_without_contact() -> None:
    rows = table("coaching.md", "A spring without contact")
    story = coached(date(2027, 3, 1)).on(START).do("contact log", "marcus", **VISIT)
    story.on(date(2027, 5, 6)).do("contact log", "marcus", **VISIT).on(date(2027, 5, 20))
    first = next(n for n in story.ledger(ITEM) if n.planned.round == 2).planned.n
    found = [
        (
            n.planned.due - timedelta(days=RULES.contact_within_days),
            n.planned.step,
            local_date(n.planned.planned_for, ZONE),
            n.status,
            n.reason or "",
        )
        for n in story.ledger(ITEM)
        if n.planned.n >= first
    ]
    assert found == [
        (day(r["Counted from"]), r["Step"], day(r["Planned for"]), r["Fate"], r["Reason"])
        for r in rows
    ]
    assert told(story) == [("p-marcus", date(2027, 4, 28))]


@pytest.mark.parametrize("row", table("coaching.md", "Dosage"), ids=lambda r: r["Looked at"])
def test_days_without_contact_over_the_limit_are_counted(row: Row) -> None:
    story = coached(day(row["Agreement effective"]))
    moments: list[tuple[date, str, dict[str, Any]]] = []
    if row["Contacts"]:
        moments += [(on, "contact log", VISIT) for on in days(row["Contacts"])]
    if row["Out of coaching"]:
        out, back = (day(cell) for cell in row["Out of coaching"].split(" to "))
        moments += [(out, "prong opt-out", OUT), (back, "prong opt-in", {"prong": "coaching"})]
    for on, what, body in sorted(moments, key=lambda m: m[0]):
        story.on(on).do(what, "marcus", **body)
    found = seen(story, day(row["Looked at"]))
    assert found.days_over == int(row["Days over the limit"])
    assert [str(g.days) for g in found.gaps] == [g for g in row["Gaps"].split(", ") if g]


def test_each_prong_says_in_how_many_months_it_reached_the_lea() -> None:
    story = coached()
    for row in table("coaching.md", "Balance"):
        story.on(day(row["Day"]))
        match row["What happened"]:
            case "a visit" | "a second visit that month":
                story.do("contact log", "marcus", **VISIT)
            case "a telephone conference":
                story.do("contact log", "marcus", **{**VISIT, "how": "teleconference"})
            case "a cycle is planned":
                story.do("cycle open", title="Exit tickets", prediction="8 of 10")
            case other:
                assert other == "nothing"
        [prong] = [p for p in seen(story).prongs if p.id == row["Prong"]]
        last = f"{prong.last:%b %Y}" if prong.last else "never"
        assert (str(prong.months), last) == (row["Months"], row["Last month"])
    assert len(seen(story).months) == 4


def test_every_prong_of_the_playbook_can_reach_an_lea() -> None:
    month = Month(START, {"visit": 1}, 0, 1, 0, 0, (), ("Y1-1 7",))
    assert month.reached == {p.id for p in RULES.prongs}
    assert "summits" not in Month(START, {}, 0, 0, 0, 0, (), ("Y1-1 nobody",)).reached


# Contacts -----------------------------------------------------------------------------------


def test_a_contact_keeps_who_spoke_with_whom_and_seals_what_was_said() -> None:
    story = coached()
    [logged] = story.when(
        "contact log", how="Visit", purpose="next summit", people=("joy", "elena", "joy"),
        note="The team met twice.",
    ).records(ContactLogged)  # fmt: skip
    assert isinstance(logged, ContactLogged)
    assert (logged.kind, logged.on, logged.coach) == ("visit", START, "p-marcus")
    assert logged.people == ("p-joy", "p-elena")
    assert logged.purpose.about == "engagement:alder-creek-usd"
    assert logged.note is not None
    assert str(logged.note) == "The team met twice."


def test_the_coach_is_the_lead_of_that_day() -> None:
    story = (
        coached().on(date(2027, 4, 12)).do("engagement assign", "dana", role="lead", person="priya")
    )
    [before] = story.when("contact log", effective=date(2027, 4, 9), **VISIT).records(ContactLogged)
    [after] = story.when("contact log", **VISIT).records(ContactLogged)
    assert isinstance(before, ContactLogged)
    assert isinstance(after, ContactLogged)
    assert (before.coach, after.coach) == ("p-marcus", "p-priya")


def test_somebody_else_may_have_coached() -> None:
    [logged] = coached().when("contact log", by="noor", **VISIT).records(ContactLogged)
    assert isinstance(logged, ContactLogged)
    assert logged.coach == "p-noor"


def test_a_message_does_not_end_a_gap() -> None:
    story = coached().on(date(2027, 4, 20)).do("contact log", **{**VISIT, "how": "message"})
    assert running(story).due == date(2027, 4, 28)
    assert story.planned_days(ITEM) == [date(2027, 4, 28), date(2027, 5, 10)]


def test_a_contact_that_is_entered_late_counts_from_its_own_day() -> None:
    story = coached().on(date(2027, 4, 30))
    story.do("contact log", "marcus", effective=date(2027, 4, 16), **VISIT)
    assert running(story).due == date(2027, 5, 21)
    assert story.planned_days(ITEM) == [date(2027, 5, 21), date(2027, 6, 1)]


def test_a_contact_before_the_last_one_changes_nothing_that_is_owed() -> None:
    story = coached().on(date(2027, 5, 6)).do("contact log", "marcus", **VISIT)
    before = owed(story)
    story.do("contact log", "marcus", effective=date(2027, 4, 16), **VISIT)
    assert owed(story) == before
    assert [c.on for c in story.state().of(Coaching).contacts] == [
        date(2027, 4, 16),
        date(2027, 5, 6),
    ]
    assert seen(story).days_over == 0


def test_after_an_outage_past_both_days_lead_and_director_are_told_once() -> None:
    story = coached().away_until(date(2027, 5, 11)).on(date(2027, 5, 12))
    assert told(story) == [("p-dana", date(2027, 5, 11)), ("p-marcus", date(2027, 5, 11))]
    assert [(n.status, n.reason) for n in story.ledger(ITEM)] == [
        ("suppressed", "superseded after an outage"),
        ("sent", None),
    ]


def test_no_contact_is_owed_before_the_agreement_or_after_the_end() -> None:
    assert owed(Story().drafted()) == []
    story = coached().do("engagement close", "dana", reason="exit agreed")
    assert {(n.status, n.reason) for n in story.ledger(ITEM)} == {("suppressed", "closed")}


def test_a_playbook_without_coaching_owes_no_contact_and_takes_none() -> None:
    story = coached()
    story.playbook = PLAYBOOK.model_copy(update={"coaching": None})
    assert owed(story) == []
    story.when("contact log", **VISIT).refuses(WrongState, "dta-sir@3", "handrail playbook list")
    story.when("prong opt-out", **OUT).refuses(WrongState, "dta-sir@3")


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"how": "vist"}, Unknown, ("'vist'", "Did you mean visit", "teleconference"),
                     id="a kind nobody knows"),
        pytest.param({"people": ("dana",)}, WrongPerson, ("p-dana", "--organisation alder-"),
                     id="nobody of the LEA"),
        pytest.param({"people": ("joy", "marcus")}, WrongPerson, ("p-marcus", "--coach PERSON"),
                     id="the coach with themselves"),
        pytest.param({"by": "elena"}, WrongPerson, ("p-elena", "--coach"), id="coached by the LEA"),
        pytest.param({"people": ("nobody",)}, Unknown, ("'nobody'",), id="an unknown person"),
        pytest.param({"by": "nobody"}, Unknown, ("'nobody'",), id="an unknown coach"),
    ],
)  # fmt: skip
def test_a_contact_that_cannot_be_is_refused(
    body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    coached().when("contact log", **{**VISIT, **body}).refuses(kind, *words)


def test_a_contact_is_dated_between_the_agreement_and_today() -> None:
    story = coached().on(date(2027, 4, 1))
    story.when("contact log", effective=date(2027, 4, 2), **VISIT).refuses(
        ImpossibleDate, "Fri 2 Apr 2027"
    )
    story = Story(date(2027, 3, 2)).fitting().on(START).do("agreement draft")
    for board in ("lea", "ccee"):
        story.do("agreement act", board=board, action="approved", meeting=START)
    story.when("contact log", effective=date(2027, 3, 22), **VISIT).refuses(
        ImpossibleDate, "Mon 22 Mar 2027", "Wed 24 Mar 2027", "--on DATE"
    )


def test_a_contact_before_the_agreement_is_a_conversation() -> None:
    Story().drafted().when("contact log", **VISIT).refuses(
        WrongState, "agreeing", "handrail conversation log"
    )


def test_the_same_contact_is_not_logged_twice() -> None:
    story = coached().do("contact log", **VISIT)
    story.when("contact log", **VISIT).refuses(AlreadyExists, "--purpose PURPOSE")
    story.when("contact log", **{**VISIT, "purpose": "the budget"}).records(ContactLogged)


def test_a_contact_with_nobody_is_not_one() -> None:
    with pytest.raises(ValidationError, match="people"):
        coached().do("contact log", **{**VISIT, "people": ()})


# Prongs -------------------------------------------------------------------------------------


def test_an_lea_out_of_coaching_is_not_nagged() -> None:
    story = coached().on(date(2027, 4, 19))
    [out] = story.when("prong opt-out", "marcus", **OUT).records(ProngOptedOut)
    assert isinstance(out, ProngOptedOut)
    assert (out.prong, out.on) == ("coaching", date(2027, 4, 19))
    assert [o.settled for o in owed(story)] == ["opted out"]
    assert {(n.status, n.reason) for n in story.ledger(ITEM)} == {("suppressed", "opted out")}
    story.do("contact log", **VISIT).on(date(2027, 12, 1))
    assert story.planned_days(ITEM) == []
    assert told(story) == []


def test_the_days_are_counted_from_the_day_of_coming_back() -> None:
    story = coached().on(date(2027, 4, 19)).do("prong opt-out", **OUT).on(date(2027, 9, 1))
    story.when("prong opt-in", prong="Coaching").records(ProngOptedIn)
    assert running(story).due == date(2027, 10, 6)
    assert story.planned_days(ITEM) == [date(2027, 10, 6), date(2027, 10, 18)]


def test_coming_back_on_the_same_day_plans_again_what_was_suppressed() -> None:
    story = coached().do("prong opt-out", **OUT).do("prong opt-in", prong="coaching")
    assert story.planned_days(ITEM) == [date(2027, 4, 28), date(2027, 5, 10)]


def test_another_prong_leaves_the_contact_owed() -> None:
    story = coached().do("prong opt-out", prong="summits", reason="too far")
    assert running(story).due == date(2027, 4, 28)
    assert [p.id for p in seen(story).prongs if p.out] == ["summits"]


def test_who_at_the_lea_decided_is_kept_with_the_evidence() -> None:
    story = coached()
    body = {**OUT, "person": "elena"}
    story.when("prong opt-out", **body).refuses(Incomplete, "--evidence")
    story.when("prong opt-out", **{**body, "person": "noor", "evidence": "mail"}).refuses(
        WrongPerson, "p-noor"
    )
    [out] = story.when("prong opt-out", **body, evidence="mail").records(ProngOptedOut)
    assert isinstance(out, ProngOptedOut)
    assert out.evidence is not None
    assert (out.person, out.evidence.about) == ("p-elena", "p-elena")


def test_a_prong_is_left_once_and_taken_up_once() -> None:
    story = coached()
    story.when("prong opt-in", prong="coaching").refuses(
        AlreadyExists, "handrail prong opt-out alder-creek-usd coaching"
    )
    story.do("prong opt-out", **OUT)
    story.when("prong opt-out", **OUT).refuses(
        AlreadyExists, "A coach of their own.", "handrail prong opt-in alder-creek-usd coaching"
    )
    story.when("prong opt-out", prong="sumits", reason="r").refuses(
        Unknown, "Did you mean summits", "independent-work"
    )


def test_a_prong_does_not_change_before_its_last_change_nor_tomorrow() -> None:
    story = coached().on(date(2027, 4, 19)).do("prong opt-out", **OUT)
    story.when("prong opt-in", prong="coaching", effective=date(2027, 4, 16)).refuses(
        ImpossibleDate, "Fri 16 Apr 2027", "Mon 19 Apr 2027"
    )
    story.when("prong opt-in", prong="coaching", effective=date(2027, 4, 20)).refuses(
        ImpossibleDate, "Tue 20 Apr 2027"
    )


# Dosage -------------------------------------------------------------------------------------


def test_every_month_stands_in_the_dosage_even_an_empty_one() -> None:
    story = coached().do("contact log", **VISIT)
    story.do("contact log", **{**VISIT, "how": "message"}).proposed(date(2027, 4, 16)).signed()
    story.on(date(2027, 5, 6)).do("contact log", **{**VISIT, "how": "teleconference"})
    story.by_the_lea("deliverable submit", deliverable="D1")
    story.do("cycle open", title="Exit tickets", prediction="8 of 10")
    story.do("consultancy note", question="How?", note="Begin small.")
    story.do("prong opt-out", prong="summits", reason="too far").on(date(2027, 6, 2))
    months = seen(story).months
    assert [
        (f"{m.first:%b}", dict(m.contacts), m.other_contacts, m.cycle_steps, m.consultancies,
         m.submissions, m.out)
        for m in months
    ] == [
        ("Mar", {"visit": 1}, 1, 0, 0, 0, ()),
        ("Apr", {}, 0, 0, 0, 0, ()),
        ("May", {"teleconference": 1}, 0, 1, 1, 1, ("summits",)),
        ("Jun", {}, 0, 0, 0, 0, ("summits",)),
    ]  # fmt: skip
    assert seen(story).cycles == {"plan": 1, "do": 0, "study": 0, "act": 0}
    assert seen(story).days_since_contact == 27


def test_the_open_gap_is_marked() -> None:
    [gap] = seen(coached(), date(2027, 5, 1)).gaps
    assert (gap.since, gap.until, gap.over, gap.open) == (START, date(2027, 5, 1), 3, True)


def test_a_month_in_which_the_lea_came_back_is_partly_out() -> None:
    story = coached().do("prong opt-out", **OUT).on(date(2027, 5, 3))
    story.do("prong opt-in", prong="coaching").on(date(2027, 6, 1))
    story.do("prong opt-out", **OUT).on(date(2027, 7, 1)).do("prong opt-in", prong="coaching")
    assert [bool(m.out) for m in seen(story).months] == [True, True, True, True, False]
    assert seen(story).days_since_contact == 0


def test_there_is_no_dosage_before_the_agreement() -> None:
    assert dosage(Story().drafted().state(), RULES, date(2027, 3, 24)) is None


# The data -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"prongs": [{"id": "summits", "name": "S"}]}, "coaching", id="no coaching"),
        pytest.param(
            {"contact_kinds": [{"id": "message", "name": "M", "counts": False}]},
            "could never end",
            id="no kind counts",
        ),
        pytest.param({"contact_within_days": 0}, "greater than or equal to 1", id="no days"),
    ],
)
def test_rules_that_cannot_work_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        CoachingRules.model_validate({**RULES.model_dump(), **change})


def test_a_policy_that_is_not_there_is_refused() -> None:
    data = PLAYBOOK.model_dump()
    data["coaching"]["policy"] = "weekly"
    with pytest.raises(ValidationError, match="weekly"):
        type(PLAYBOOK).model_validate(data)


def test_a_prong_left_and_taken_up_again_on_one_day_is_not_lost_from_sight() -> None:
    story = coached().on(date(2027, 4, 12))
    story.do("prong opt-out", prong="coaching", reason="a slip")
    story.do("prong opt-in", prong="coaching")
    story = story.on(date(2027, 6, 3))
    dosage = seen(story)
    assert dosage.days_since_contact == (date(2027, 6, 3) - date(2027, 4, 12)).days
    assert dosage.gaps

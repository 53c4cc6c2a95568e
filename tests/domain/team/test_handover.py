"""Lead handover, and what it owes; docs/rules/handover.md."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from domain.engagement.engagement import RoleAssigned
from domain.engagement.state import Tenure
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Refused,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.owing.obligations import obligations
from domain.policy.calendar import at_local, local_date
from domain.policy.playbook import Playbook
from domain.reminders.notices import RecipientsDropped
from domain.rules.registry import fold
from domain.team.handover import (
    HandoverCancelled,
    Handovers,
    HandoverSet,
    lead_tenures,
    pending,
    status_of,
)
from domain.team.handover_meeting import HandoverMet, MeetingSkipped
from store.events import as_true
from tests.domain.story import ALDER, PLAYBOOK, ZONE, Story, When
from tests.domain.tables import RULES, day, days, table

SET = date(2027, 7, 15)
DAY = date(2027, 8, 2)
TO: dict[str, Any] = {"to": "priya", "reason": "moves away"}


def begun(at: date = date(2027, 3, 2)) -> Story:
    return Story(at).effective()


def handover(
    story: Story, effective: date | None = DAY, actor: str = "marcus", **body: Any
) -> When:
    return story.when("lead handover", actor, effective=effective, **{**TO, **body})


def set_up(on: date = SET, effective: date = DAY, **body: Any) -> Story:
    story = begun().on(on)
    handover(story, effective, **body).records(HandoverSet)
    return story


def owed(story: Story, item: str) -> Any:
    found = obligations(story.state(), story.context("tess", None))
    return next((o for o in found if o.item == item), None)


def leaving(story: Story, who: str, on: date) -> Story:
    gone = replace(story.people[who], left_on=on)
    story.people[gone.id] = story.people[who] = gone
    return story


def test_a_handover_is_set_ahead_and_changes_nothing_yet() -> None:
    story = begun().on(SET)
    [event] = handover(story).records(HandoverSet)
    assert isinstance(event, HandoverSet)
    assert (event.before, event.to, event.effective) == ("p-marcus", "p-priya", DAY)
    assert (event.overlap, event.contact_by) == (date(2027, 7, 29), date(2027, 8, 16))
    assert (event.reason.about, event.came_true()) == (f"engagement:{ALDER}", SET)
    assert story.engagement.roles["lead"] == "p-marcus"
    assert story.engagement.roles["incoming_lead"] == "p-priya"


@pytest.mark.parametrize("row", table("handover.md", "Setting a handover"), ids=lambda r: r["Who"])
def test_who_may_hand_over(row: dict[str, str]) -> None:
    actor = {
        "Assistant": "tess",
        "Lead of the engagement": "marcus",
        "Another Lead": "priya",
        "Director": "dana",
    }[row["Who"]]
    story = begun().on(SET)
    if row["May hand over"] == "yes":
        handover(story, actor=actor).records(HandoverSet)
    else:
        handover(story, actor=actor).refuses(WrongPerson, f"p-{actor}", "p-marcus", "a Director")
        story.do("lead handover", "dana", effective=DAY, **TO)
        story.when("lead handover-cancel", actor, reason="r").refuses(WrongPerson, f"p-{actor}")


@pytest.mark.parametrize("row", table("handover.md", "The day"), ids=lambda r: r["Effective"])
def test_the_role_changes_as_the_day_begins(row: dict[str, str]) -> None:
    effective = day(row["Effective"])
    story = Story(effective - timedelta(days=20)).opened()
    handover(story, effective).records(HandoverSet)
    story.on(effective + timedelta(days=3))
    [old, new] = lead_tenures(story.state())
    assert (old.person, new.person, old.until) == ("p-marcus", "p-priya", new.since)
    on, _, hour = row["The role changes in UTC"].rpartition(" ")
    assert (local_date(new.since, "UTC"), f"{new.since:%H:%M}") == (day(on), hour)
    recorded = next(r for r in story.history() if r.stamp.effective_at == new.since)
    assert isinstance(recorded.event, RoleAssigned)
    assert recorded.stamp.recorded_at == new.since, "it was there when it came true"


def test_the_morning_s_digest_goes_to_the_new_lead_and_nothing_to_the_old() -> None:
    story = begun()
    story.proposed(date(2027, 7, 26)).signed()
    story.on(SET)
    handover(story).records(HandoverSet)
    story.do("contact log", "marcus", how="visit", purpose="p", people=("joy",))
    # D1 +5 is due on Mon 2 Aug, to the LEA contact and the Lead.
    story.on(date(2027, 8, 27))
    assert ("D1", 1, "+5") in [
        i for m in story.mails if (m.person, m.on) == ("p-priya", DAY) for i in m.items
    ]
    assert max(m.on for m in story.mails if m.person == "p-marcus") < DAY
    assert {m.person for m in story.mails if m.on >= DAY} == {"p-priya", "p-joy", "p-dana"}
    assert {r.role: r.person for r in story.engagement.tenures if r.until is None}["lead"] == (
        "p-priya"
    )


def test_a_mail_taken_before_the_day_stays_and_one_that_waits_moves_on() -> None:
    story = begun().proposed(date(2027, 8, 13)).signed()
    # Fri 20 Aug, at 08:00: D1 +5 goes to Joy; Marcus's own mail has still to take it.
    story.on(date(2027, 8, 19), time(19))
    monday = date(2027, 8, 23)
    story.do("lead handover", "dana", effective=monday, **TO).away_until(date(2027, 8, 20))
    body = {"mail": "00000000-0000-0000-0000-000000000001", "message_id": "<1@x>"}
    story.do("notices claim", "system", person="p-joy", on=story.today, **body)
    [notice] = [n for n in story.ledger("D1") if n.planned.step == "+5"]
    assert notice.waiting == ("p-marcus",)
    story.away_until(monday, time(0, 1)).do("notices reconcile", "system")
    [dropped] = [e for e in story.news if isinstance(e, RecipientsDropped)]
    assert dropped.reason == "role passed on"
    [notice] = [n for n in story.ledger("D1") if n.planned.step == "+5"]
    assert notice.waiting == ("p-priya",)
    assert notice.deliveries["p-joy"].mail is not None, "a mail already taken stays"
    assert notice.deliveries["p-marcus"].outcome == "dropped"
    story.on(monday)
    [mail] = [m for m in story.mails if m.on == monday and m.person == "p-priya"]
    assert ("D1", 1, "+5") in mail.items


def test_what_the_lead_owes_is_the_new_leads() -> None:
    story = set_up().on(DAY)
    assert owed(story, "CI-1").owner == "lead"
    story.do("deliverable propose", "priya", title="A", due=date(2027, 9, 20))
    story.when("deliverable sign", "marcus", deliverable="D1").refuses(
        WrongPerson, "p-marcus is not the Lead"
    )
    story.do("deliverable sign", "priya", deliverable="D1")


def test_a_command_on_the_day_already_finds_the_new_lead() -> None:
    story = set_up(effective=date(2027, 7, 20)).proposed(date(2027, 9, 20))
    story.away_until(date(2027, 7, 20), time(0, 5))
    story.when("deliverable sign", "marcus", deliverable="D1").refuses(WrongPerson, "p-priya")
    assert story.engagement.roles["lead"] == "p-marcus", "a refusal records nothing"
    story.do("deliverable sign", "priya", deliverable="D1")
    assert isinstance(story.news[0], RoleAssigned)
    assert lead_tenures(story.state())[-1].since == at_local(date(2027, 7, 20), time(0), ZONE)


@pytest.mark.parametrize("ago", [0, 3])
def test_today_or_an_earlier_day_takes_effect_at_once(ago: int) -> None:
    story = begun().on(SET)
    effective = SET - timedelta(days=ago)
    set_, assigned = handover(story, effective).records(HandoverSet, RoleAssigned)
    assert isinstance(set_, HandoverSet)
    assert isinstance(assigned, RoleAssigned)
    assert set_.overlap is None
    since = lead_tenures(story.state())[-1]
    assert since == Tenure("lead", "p-priya", at_local(effective, time(0 if ago else 9), ZONE))
    assert pending(story.state()) is None
    assert "incoming_lead" not in story.engagement.roles
    told = fold(f"engagement:{ALDER}", as_true(story.history(), story.now, ZONE))
    assert told.of(Handovers) == story.state().of(Handovers)
    assert pending(told) is None


@pytest.mark.parametrize(
    ("changed", "kind", "words"),
    [
        pytest.param({"to": "tess"}, WrongPerson, ("p-tess", "assistant"), id="no Lead"),
        pytest.param({"to": "joy"}, WrongPerson, ("p-joy", "alder-creek-usd"), id="of the LEA"),
        pytest.param({"to": "pria"}, Unknown, ("'pria'", "priya"), id="nobody"),
        pytest.param({"to": "marcus"}, AlreadyExists, ("p-marcus is the Lead",), id="same"),
        pytest.param({"effective": date(2027, 3, 2)}, ImpossibleDate,
                     ("p-marcus is Lead since Tue 2 Mar 2027",), id="before the Lead"),
        pytest.param({"effective": date(2027, 3, 1)}, ImpossibleDate,
                     ("opened on Tue 2 Mar 2027",), id="before the opening"),
        pytest.param({"effective": date(2072, 8, 2)}, ImpossibleDate,
                     ("Tue 2 Aug 2072", "Check the year"), id="absurd"),
        pytest.param({"overlap": date(2027, 7, 31)}, ImpossibleDate,
                     ("a Saturday", "Fri 30 Jul 2027"), id="a rest day"),
        pytest.param({"overlap": date(2027, 7, 14)}, ImpossibleDate,
                     ("Wed 14 Jul 2027", "handrail handover meet"), id="overlap behind"),
        pytest.param({"overlap": date(2027, 8, 3)}, ImpossibleDate,
                     ("Tue 3 Aug 2027", "Mon 2 Aug 2027"), id="overlap after"),
        pytest.param({"replace": True}, WrongState, ("no handover is set",), id="no first"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_handover_is_named(
    changed: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    effective = changed.get("effective", DAY)
    body = {k: v for k, v in changed.items() if k != "effective"}
    handover(begun().on(SET), effective, **body).refuses(kind, *words)


def test_a_handover_goes_to_nobody_who_leaves_before_it() -> None:
    story = leaving(begun().on(SET), "priya", DAY)
    handover(story).refuses(WrongPerson, "p-priya", "Mon 2 Aug 2027")
    handover(story, DAY - timedelta(days=1)).records(HandoverSet)


def test_a_second_handover_replaces_the_first_or_is_refused() -> None:
    story = set_up()
    handover(story).refuses(AlreadyExists, "set already", "Nothing more is needed")
    later = date(2027, 9, 1)
    handover(story, later).refuses(AlreadyExists, "LH1", "--replace", "handover-cancel")
    handover(story, replace=True).refuses(AlreadyExists, "Nothing more is needed")
    [second] = handover(story, later, replace=True).records(HandoverSet)
    assert isinstance(second, HandoverSet)
    assert (second.handover, second.replaces) == ("LH2", "LH1")
    assert {n.reason for n in story.ledger("LH1/overlap")} == {"handover replaced"}
    story.on(date(2027, 8, 10))
    assert story.engagement.roles["lead"] == "p-marcus"
    story.on(later)
    assert story.engagement.roles["lead"] == "p-priya"


def test_a_cancelled_handover_comes_to_nothing() -> None:
    story = set_up()
    story.when("lead handover-cancel", "dana", reason="stays").records(HandoverCancelled)
    assert "incoming_lead" not in story.engagement.roles
    assert {n.reason for n in story.ledger("LH1/overlap")} == {"handover cancelled"}
    story.on(date(2027, 8, 10))
    assert story.engagement.roles["lead"] == "p-marcus"
    story.when("lead handover-cancel", "dana", reason="stays").refuses(
        WrongState, "no handover is set"
    )
    handover(story, date(2027, 9, 1)).records(HandoverSet)


def test_a_handover_from_somebody_who_leaves_is_replaced_and_not_cancelled() -> None:
    story = leaving(set_up(), "marcus", DAY)
    story.when("lead handover-cancel", "dana", reason="r").refuses(
        WrongState, "p-marcus leaves on Mon 2 Aug 2027", "--replace"
    )


def test_another_lead_meanwhile_overtakes_the_handover() -> None:
    story = set_up()
    dana = replace(story.people["dana"], staff_roles=frozenset({"lead", "director"}))
    story.people["dana"] = story.people["p-dana"] = dana
    story.do("engagement assign", "dana", role="lead", person="dana")
    assert "incoming_lead" not in story.engagement.roles
    assert {n.reason for n in story.ledger("LH1/overlap")} == {"the Lead changed again"}
    story.on(date(2027, 8, 10)).do("engagement assign", "dana", role="lead", person="marcus")
    story.on(date(2027, 8, 20))
    assert story.engagement.roles["lead"] == "p-marcus", "it does not come back to life"
    [h1] = story.state().of(Handovers).all.values()
    assert status_of(h1, story.state()) == "overtaken"


@pytest.mark.parametrize("verb", ["close", "withdraw"])
def test_an_engagement_that_is_over_is_handed_to_nobody(verb: str) -> None:
    story = set_up().do(f"engagement {verb}", "dana", reason="over").on(date(2027, 8, 10))
    assert story.engagement.roles["lead"] == "p-marcus"


@pytest.mark.parametrize(
    "row",
    table("handover.md", "The meeting and the first contact"),
    ids=lambda r: f"{r['Set on']}, {r['Effective']}",
)
def test_when_both_leads_meet(row: dict[str, str]) -> None:
    story = begun().on(day(row["Set on"]))
    story.do("lead handover", "marcus", effective=day(row["Effective"]), **TO)
    facts = story.state().of(Handovers).all["LH1"].facts
    assert facts is not None
    assert [facts.overlap] == (days(row["They meet by"]) if row["They meet by"] else [None])


def test_a_handover_in_summer_has_the_ledger_of_the_handbook() -> None:
    story = set_up().on(date(2027, 7, 29))
    story.do("handover meet", "marcus", note="the packet")
    story.on(date(2027, 8, 11))
    story.do("contact log", "priya", how="visit", purpose="first visit", people=("joy",))
    rows = [
        {
            "Item": n.planned.item,
            "Step": n.planned.step,
            "Planned for": local_date(n.planned.planned_for, ZONE),
            "Fate": n.status,
            "To": sorted(n.deliveries),
            "Reason": n.reason or "",
        }
        for item in ("LH1/overlap", "LH1/contact")
        for n in story.ledger(item)
    ]
    assert rows == [
        {
            **row,
            "Planned for": day(row["Planned for"]),
            "To": [f"p-{w.strip()}" for w in row["To"].split(",") if w],
        }
        for row in table("handover.md", "A handover in summer")
    ]


def test_a_meeting_is_settled_once() -> None:
    story = begun().on(SET)
    for verb, body in (("meet", {}), ("skip", {"reason": "r"})):
        story.when(f"handover {verb}", **body).refuses(WrongState, "no handover owes a meeting")
    story.do("lead handover", "marcus", effective=DAY, **TO)
    story.when("handover meet", on=date(2027, 7, 16)).refuses(ImpossibleDate, "Fri 16 Jul 2027")
    story.when("handover meet", on=date(2027, 3, 1)).refuses(ImpossibleDate, "Tue 2 Mar 2027")
    [met] = story.when("handover meet", on=date(2027, 7, 14)).records(HandoverMet)
    assert met.came_true() == date(2027, 7, 14)
    story.when("handover meet").refuses(AlreadyExists, "Wed 14 Jul 2027")
    story.when("handover skip", reason="r").refuses(AlreadyExists, "met on")


def test_a_meeting_that_cannot_be_is_left_out_with_its_reason() -> None:
    story = set_up().on(date(2027, 8, 3))
    assert owed(story, "LH1/overlap").settled is None, "the new Lead owes it now"
    story.when("handover skip", "priya", reason="left at once").records(MeetingSkipped)
    assert {n.reason for n in story.ledger("LH1/overlap") if n.status == "suppressed"} == {
        "no meeting"
    }
    story.when("handover meet").refuses(AlreadyExists, "left at once")


def test_a_first_contact_is_owed_by_the_new_lead_alone() -> None:
    story = set_up()
    assert owed(story, "LH1/contact") is None
    story.on(date(2027, 8, 4))
    assert (owed(story, "LH1/contact").due, owed(story, "LH1/contact").owner) == (
        date(2027, 8, 16),
        "lead",
    )
    people = {"people": ("joy",), "purpose": "p"}
    story.do("contact log", how="message", **people)
    story.do("contact log", how="visit", by="dana", **people)
    assert owed(story, "LH1/contact").settled is None
    story.do("prong opt-out", prong="coaching", reason="r")
    assert owed(story, "LH1/contact").settled == "opted out"
    story.do("prong opt-in", prong="coaching")
    story.do("contact log", how="teleconference", **people)
    assert owed(story, "LH1/contact").settled == "contact logged"


def test_before_an_agreement_no_first_contact_is_owed() -> None:
    story = Story(SET).opened()
    handover(story).records(HandoverSet)
    story.on(date(2027, 8, 4))
    assert story.engagement.roles["lead"] == "p-priya"
    assert owed(story, "LH1/contact") is None


def test_a_playbook_without_a_word_on_handovers_leaves_them_to_its_lead_and_directors() -> None:
    story = begun().on(SET)
    story.playbook = Playbook.model_validate({**PLAYBOOK.model_dump(), "handover": None})
    handover(story, actor="tess").refuses(WrongPerson, "p-tess", "p-marcus", "a Director")
    handover(story, actor="marcus").records(HandoverSet)
    assert owed(story, "LH1/overlap") is None
    story.on(DAY)
    assert story.engagement.roles["lead"] == "p-priya"


def test_a_playbook_names_a_policy_that_is_there() -> None:
    content = PLAYBOOK.model_dump()
    content["handover"]["contact_policy"] = "soon"
    with pytest.raises(ValueError, match="'soon' is used but not defined"):
        Playbook.model_validate(content)


def test_as_true_on_any_day_names_the_lead_of_that_day() -> None:
    story = set_up().on(date(2027, 8, 20))
    stream = f"engagement:{ALDER}"
    for at, who, coming in (
        (date(2027, 7, 1), "p-marcus", None),
        (date(2027, 8, 1), "p-marcus", "p-priya"),
        (DAY, "p-priya", None),
    ):
        told = as_true(story.history(), at_local(at, time(23), ZONE), ZONE)
        roles = fold(stream, told).of(type(story.engagement)).roles
        assert (roles["lead"], roles.get("incoming_lead")) == (who, coming)


def test_the_meeting_is_reminded_of_by_working_days_before_and_after_as_the_page_says() -> None:
    story = set_up()
    assert story.planned_days("LH1/overlap") == [
        # Three working days before, the day, and five working days after it.
        date(2027, 7, 26), date(2027, 7, 29), date(2027, 8, 5),
    ]  # fmt: skip
    page = (RULES / "handover.md").read_text("utf-8")
    assert "three working days before, on the day, and five working days after it" in page

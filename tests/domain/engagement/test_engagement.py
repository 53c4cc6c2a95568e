"""Opening, staffing and ending an engagement; docs/rules/people-and-roles.md."""

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from domain.engagement.engagement import (
    EngagementClosed,
    EngagementOpened,
    EngagementWithdrawn,
    RoleAssigned,
)
from domain.engagement.state import Tenure
from domain.kernel.messages import EngagementCommand
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Refused,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.policy.calendar import at_local
from domain.program.people import PersonChanged
from domain.recruitment.recruitment import ConversationLogged, Recruitment
from domain.rules.registry import COMMANDS
from tests.domain.story import HARBOR, PURPOSES, YES, ZONE, Story, person
from tests.domain.tables import Row, table

OPEN: dict[str, Any] = {"lea": "ACUSD", "lead": "marcus", "director": "dana"}


@pytest.mark.parametrize(
    "lea",
    ["alder-creek-usd", "ACUSD", "acusd", "Alder Creek", "Alder Creek Unified School District"],
)
def test_an_engagement_is_opened_with_the_lea_by_any_of_its_names(lea: str) -> None:
    [opened] = Story().when(
        "engagement open", source="county_referral", statute="EC 52074(g)(1)(A)",
        **{**OPEN, "lea": lea},
    ).records(EngagementOpened)  # fmt: skip
    assert isinstance(opened, EngagementOpened)
    assert (opened.lea, opened.county, opened.playbook) == (
        "alder-creek-usd",
        "Manzanita",
        "dta-sir@3",
    )
    assert (opened.lead, opened.director, opened.lea_contact) == ("p-marcus", "p-dana", None)


def test_how_an_lea_came_and_by_which_statute_is_kept_where_it_is_known() -> None:
    story = Story().do("engagement open", source="heard a talk", statute="EC 52072", **OPEN)
    assert (story.engagement.source, story.engagement.statute) == ("heard a talk", "EC 52072")
    silent = Story().do("engagement open", **OPEN).engagement
    assert (silent.source, silent.statute) == (None, None)


def test_a_director_who_coaches_may_lead_as_well() -> None:
    story = Story()
    dana = replace(story.people["dana"], staff_roles=frozenset({"director", "lead"}))
    story.people |= {"dana": dana, dana.id: dana}
    story.do("engagement open", **{**OPEN, "lead": "dana"})
    assert (story.engagement.roles["lead"], story.engagement.roles["director"]) == (
        "p-dana",
        "p-dana",
    )


def test_an_engagement_begins_recruiting_with_its_roles() -> None:
    story = Story().opened()
    assert story.engagement.phase == "recruiting"
    assert story.engagement.roles == {
        "lead": "p-marcus",
        "director": "p-dana",
        "lea_contact": "p-joy",
        "superintendent": "p-elena",
    }


def test_opening_twice_names_the_first() -> None:
    Story().opened().on(date(2026, 8, 6)).when("engagement open", "marcus", **OPEN).refuses(
        AlreadyExists, "opened Tue 4 Aug 2026 by p-tess", "recruiting",
        "handrail engagement show alder-creek-usd",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "kind", "words"),
    [
        pytest.param({"lea": "Alder Crek"}, Unknown, ("'Alder Crek'", "alder creek"), id="lea"),
        pytest.param({"lead": "markus"}, Unknown, ("'markus'", "marcus"), id="no such Lead"),
        pytest.param({"lead": "tess"}, WrongPerson,
                     ("p-tess", "assistant", "handrail person change @p-tess --role lead"),
                     id="not a Lead"),
        pytest.param({"lead": "joy"}, WrongPerson, ("p-joy", "work at alder-creek-usd"),
                     id="an LEA's Lead"),
        pytest.param({"director": "marcus"}, WrongPerson, ("p-marcus", "director"), id="director"),
        pytest.param({"contact": "noor"}, WrongPerson, ("p-noor", "harbor-charter"), id="contact"),
        pytest.param({"superintendent": "dana"}, WrongPerson, ("p-dana", "the agency"), id="super"),
        pytest.param({"playbook": "dta-sir@9"}, Unknown,
                     ("dta-sir@3", "handrail playbook publish FILE"), id="playbook"),
        pytest.param({"effective": date(2026, 8, 5)}, ImpossibleDate,
                     ("Wed 5 Aug 2026", "Tue 4 Aug 2026"), id="tomorrow"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_opening_is_named(
    changed: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    Story().when("engagement open", **{**OPEN, **changed}).refuses(kind, *words)


def test_without_a_program_nothing_is_opened() -> None:
    story = Story()
    story.program = None
    story.when("engagement open", **OPEN).refuses(Unknown, "handrail init --help")


def test_a_name_that_is_near_to_none_says_where_to_look() -> None:
    Story().when("engagement open", **{**OPEN, "lea": "zzzz"}).refuses(
        Unknown, "No LEA is called 'zzzz'. Register it", "handrail lea list"
    )


def test_a_role_passes_on_and_its_tenures_stay() -> None:
    story = Story().opened().on(date(2026, 9, 8))
    [assigned] = story.when("engagement assign", "dana", role="lead", person="priya").records(
        RoleAssigned
    )
    assert isinstance(assigned, RoleAssigned)
    assert (assigned.person, assigned.before) == ("p-priya", "p-marcus")
    begun, passed = at_local(date(2026, 8, 4), time(9), ZONE), story.now
    assert [t for t in story.engagement.tenures if t.role == "lead"] == [
        Tenure("lead", "p-marcus", begun, passed),
        Tenure("lead", "p-priya", passed),
    ]


@pytest.mark.parametrize(
    ("role", "person", "kind", "words"),
    [
        pytest.param("lead", "marcus", AlreadyExists, ("p-marcus", "lead"), id="already"),
        pytest.param("lead", "tess", WrongPerson, ("p-tess", "lead"), id="not a Lead"),
        pytest.param("director", "priya", WrongPerson, ("p-priya",), id="not a Director"),
        pytest.param("lea_contact", "noor", WrongPerson, ("p-noor",), id="of another LEA"),
        pytest.param("superintendent", "dana", WrongPerson, ("p-dana",), id="of the agency"),
        pytest.param("lea_contact", "jo", Unknown, ("'jo'", "joy"), id="nobody"),
    ],
)
def test_a_role_goes_to_somebody_who_can_hold_it(
    role: str, person: str, kind: type[Refused], words: tuple[str, ...]
) -> None:
    Story().opened().when("engagement assign", role=role, person=person).refuses(kind, *words)


def test_a_role_is_not_given_from_a_day_ahead() -> None:
    Story().opened().when(
        "engagement assign", "dana", role="lead", person="priya", effective=date(2026, 8, 5)
    ).refuses(ImpossibleDate, "Wed 5 Aug 2026")


def test_an_engagement_with_an_agreement_is_closed() -> None:
    story = Story().effective()
    story.when("engagement close", "dana", reason="exit agreed").records(EngagementClosed)
    assert (story.engagement.phase, story.engagement.end_reason) == ("closed", "exit agreed")
    assert not story.engagement.is_open


@pytest.mark.parametrize("stage", ["recruiting", "agreeing"])
def test_an_engagement_without_agreed_work_is_withdrawn_instead(stage: str) -> None:
    story = Story().opened() if stage == "recruiting" else Story().drafted()
    story.when("engagement close", "dana", reason="over").refuses(
        WrongState, stage, "handrail engagement withdraw alder-creek-usd --reason REASON"
    )
    [event] = story.when("engagement withdraw", "dana", reason="vacancy").records(
        EngagementWithdrawn
    )
    assert isinstance(event, EngagementWithdrawn)
    assert (event.phase, event.reason.text) == (stage, "vacancy")
    assert story.engagement.phase == "withdrawn"


@pytest.mark.parametrize("verb", ["close", "withdraw"])
def test_an_end_is_not_dated_ahead(verb: str) -> None:
    Story().effective().when(
        f"engagement {verb}", "dana", reason="over", effective=date(2026, 8, 5)
    ).refuses(ImpossibleDate, "Wed 5 Aug 2026")


DUE = date(2027, 4, 16)
LEA = {"person": "joy", "evidence": "mail"}
BODIES: dict[str, dict[str, Any]] = {
    "engagement assign": {"role": "lead", "person": "priya"},
    "engagement close": {"reason": "over"},
    "engagement withdraw": {"reason": "over"},
    "address confirm": {"person": "joy", "note": "n"},
    "conversation log": {"group": "parents"},
    "fit decide": {"proceed": True, "criterion": YES},
    "eligibility row": {"year": "2023-24", "group": "English learners", "criterion": "red"},
    "eligibility strike": {"year": "2023-24", "group": "a", "criterion": "b", "reason": "r"},
    "readiness judge": {"willing": "yes", "able": "partly", "why": "w"},
    "agreement draft": {},
    "agreement act": {"board": "lea", "action": "approved", "meeting": date(2026, 8, 4)},
    "board submit": {"board": "lea", "meeting": DUE, "at": "18:00"},
    "board post": {"board": "lea", "on": date(2026, 8, 4), "at": "08:00"},
    "board pull": {"board": "lea"},
    "board no-quorum": {"board": "lea"},
    "deliverable propose": {"title": "A", "due": DUE},
    "deliverable sign": {"deliverable": "D1"},
    "deliverable redate": {"deliverable": "D1", "due": DUE, "reason": "r"},
    "deliverable submit": {"deliverable": "D1", **LEA},
    "deliverable return": {"deliverable": "D1", "due": DUE, "reason": "r", **LEA},
    "deliverable accept": {"deliverable": "D1"},
    "deliverable decline": {"deliverable": "D1", "reason": "r"},
    "deliverable rescope": {"deliverable": "D1", "hours": 3, "reason": "r"},
    "deliverable merge": {"deliverables": ("D1", "D2"), "reason": "r"},
    "deliverable split": {
        "deliverable": "D1",
        "part": ("2027-05-14 1 A", "2027-05-14 1 B"),
        "reason": "r",
    },
    "deliverable depend": {"deliverable": "D2", "on": "D1"},
    "deliverable rate": {"deliverable": "D1", "focus": "yes"},
    "deliverable satisfies": {"deliverable": "D1", "plan": "lcap", "reference": "goal 2"},
    "deliverable feed": {"deliverable": "D1", "summit": "Y2-5"},
    "deliverable correct-course": {
        "deliverable": "D1",
        "because": "8 of 30 came",
        "change": "Invite by phone",
        "evidence": "list",
    },
    "course correct": {"because": "8 of 30 came", "change": "Call", "evidence": "list"},
    "checkin open": {"on": DUE},
    "checkin hold": {},
    "checkin close": {"purpose": PURPOSES},
    "checkin correct": {"checkin": "CI-1", "reason": "r", "purpose": PURPOSES},
    "commitment add": {"checkin": "CI-1", "text": "t", "owner": "joy", "by": DUE},
    "commitment judge": {"checkin": "CI-1", "number": 1, "verdict": "kept"},
    "commitment redate": {"checkin": "CI-1", "number": 1, "by": DUE, "reason": "r", **LEA},
    "commitment correct": {"checkin": "CI-1", "number": 1, "reason": "r", "text": "t"},
    "survey ask": {"due": DUE, "hours": "2"},
    "survey drop": {"year": 1, "reason": "r"},
    "survey record": {"year": 1, "taken": date(2026, 8, 4), "result": ("coaching=3.4/28",)},
    "survey withdraw": {"year": 1, "reason": "r"},
    "investment add": {"amount": "1", "purpose": "coaching"},
    "investment correct": {"investment": "INV-1", "reason": "r", "amount": "2"},
    "investment withdraw": {"investment": "INV-1", "reason": "r"},
    "contact log": {"how": "visit", "purpose": "cycle C1", "people": ("joy",)},
    "prong opt-out": {"prong": "summits", "reason": "a coach of their own"},
    "prong opt-in": {"prong": "summits"},
    "cycle open": {"title": "Exit tickets", "prediction": "8 of 10 answer"},
    "cycle do": {"cycle": "C1", "tried": "in two classes"},
    "cycle study": {"cycle": "C1", "result": "6 of 10", "prediction_held": "partly"},
    "cycle act": {"cycle": "C1", "decision": "adapt", "reason": "shorter questions"},
    "lead handover": {"to": "priya", "reason": "r"},
    "lead handover-cancel": {"reason": "r"},
    "handover meet": {},
    "handover skip": {"reason": "r"},
    "consultancy note": {"question": "How do others?", "note": "Begin small."},
    "summit invite": {"summit": "Y1-1"},
    "summit register": {"summit": "Y1-1", "people": ("joy",)},
    "summit decline-invitation": {"summit": "Y1-1", "reason": "r"},
    "summit follow": {"summit": "Y1-1", "waive": "w"},
    "summit attendance record": {"summit": "Y1-1", "day": "1", "role": "teacher"},
    "summit commitment add": {"summit": "Y1-1", "text": "t", "by": DUE},
    "summit commitment settle": {"summit": "Y1-1", "commitment": "1", "outcome": "kept"},
    "sir open": {"framework": "sir-12@2019"},
    "sir finding": {"area": "culture", "need": "n"},
    "sir choose": {"actions": ("RA1",), **LEA},
    "sir draft": {},
    "sir correct": {"text": "t", **LEA},
    "sir answer": {"correction": "FC1", "answer": "taken", "note": "n"},
    "sir waive": LEA,
    "sir finalize": {},
    "sir present": {"meeting": date(2026, 8, 4)},
    "sir link": {"action": "RA1", "deliverable": "D1"},
    "sir unlink": {"action": "RA1", "deliverable": "D1", "reason": "r"},
    "sir action add": {"area": "culture", "title": "A"},
    "sir action mark": {"action": "RA1", "status": "done"},
    "sir action drop": {"action": "RA1", "reason": "r"},
    "sir wave propose": {"title": "A", "due": DUE, "hours": 1},
    "sir wave sign": {"wave": "W1"},
    "sir wave redate": {"wave": "W1", "due": DUE, "reason": "r"},
    "sir wave receive": {"wave": "W1", **LEA},
    "sir wave drop": {"wave": "W1", "reason": "r"},
    "sir wave spare": {"wave": "W1", "part": "LCAP", "hours": 1, "held_by": "the county"},
    "burden waive": {"month": "2027-05", "hours": "56", "reason": "r"},
    "evidence log": {"area": "culture", "method": "walk", "group": "schools"},
    "evidence withdraw": {"entry": "E1", "reason": "r"},
    "focus set": {"text": "Reading"},
    "focus cause add": {"text": "Schedules"},
    "focus cause revise": {"cause": "RC1", "text": "Schedules", "reason": "r"},
    "focus cause drop": {"cause": "RC1", "reason": "r"},
    "focus theory": {"text": "If we meet weekly"},
    "focus align": {"year": 2026, "verdict": "no", "why": "w"},
    "measure add": {
        "title": "Teams that meet",
        "sort": "leading",
        "target": "12",
        "better": "higher",
    },
    "measure revise": {"measure": "M1", "reason": "r", "target": "13"},
    "measure drop": {"measure": "M1", "reason": "r"},
    "measure observe": {"measure": "M1", "value": "5"},
    "step done": {"step": "team"},
    "step drop": {"step": "review", "reason": "r"},
    "step add": {"step": "team", "name": "A team", "reason": "r"},
    "step waive": {"step": "agreements", "reason": "r"},
    "statute done": {"statute": "lcap-mid-year", "year": 2027, **LEA},
    "statute undo": {"statute": "lcap-mid-year", "year": 2027, "reason": "r"},
    "playbook upgrade": {"to": "dta-sir@4", "reason": "r"},
    "dashboard record": {"year": 2026, "row": ("mathematics/all=red",)},
    "engagement hold": {"reason": "wildfire"},
    "engagement resume": {},
    "team add": {"person": "joy", "as_": "teacher"},
    "team leave": {"person": "joy", "reason": "r"},
    "risk raise": {"risk": "politics", "level": "high", "reason": "r"},
    "risk lower": {"risk": "politics", "level": "low", "reason": "r"},
    "leader leave": {"person": "elena"},
    "leader stay": {"person": "elena", "reason": "r"},
    "recommitment record": LEA,
    "reminders snooze": {"item": "D1", "until": DUE, "reason": "r"},
    "reminders wake": {"item": "D1"},
    "reminders policy": {"of_kind": "deliverables", "policy": "gentle", "reason": "r"},
    "recommitment reaffirm": {"meeting": date(2026, 8, 4), "evidence": "minutes"},
}


AFTER_THE_END = {"investment correct", "investment withdraw"}
"""What was reported wrongly of money is put right even when the engagement is over."""


def test_every_command_of_an_engagement_is_tried_on_one_that_is_not_running() -> None:
    takes = {
        kind
        for kind, command in COMMANDS.items()
        if issubclass(command, EngagementCommand) and not command.internal
    }
    assert takes - {"engagement open"} == set(BODIES)


@pytest.mark.parametrize("what", BODIES)
def test_an_unknown_engagement_is_named_with_the_nearest(what: str) -> None:
    Story().opened().when(what, "marcus", engagement="alder-crek-usd", **BODIES[what]).refuses(
        Unknown, "'alder-crek-usd'", "Did you mean alder-creek-usd", "handrail engagement list"
    )


@pytest.mark.parametrize("what", [what for what in BODIES if what != "conversation log"])
def test_no_fact_but_a_conversation_is_dated_before_the_opening(what: str) -> None:
    Story().effective().when(what, "marcus", effective=date(2026, 8, 3), **BODIES[what]).refuses(
        ImpossibleDate, "opened on Tue 4 Aug 2026", "Mon 3 Aug 2026", "--on"
    )


def test_a_fact_may_be_dated_on_the_day_of_the_opening() -> None:
    story = Story().opened().on(date(2026, 8, 6))
    story.when(
        "engagement assign", "dana", role="lead", person="priya", effective=date(2026, 8, 4)
    ).records(RoleAssigned)


def test_a_conversation_may_be_older_than_the_engagement() -> None:
    story = Story().opened()
    story.when("conversation log", "marcus", group="parents", effective=date(2026, 6, 1)).records(
        ConversationLogged
    )
    assert story.state().of(Recruitment).covered == {"parents": date(2026, 6, 1)}


@pytest.mark.parametrize("role", ["lead", "director"])
def test_whoever_works_at_an_lea_holds_no_role_of_the_agency(role: str) -> None:
    # The directory gives no such roles; a record from elsewhere might.
    story = Story()
    elena = replace(story.people["elena"], staff_roles=frozenset({"lead", "director"}))
    story.people[elena.id] = story.people["elena"] = elena
    story.when("engagement open", **{**OPEN, role: "elena"}).refuses(
        WrongPerson, "p-elena", "alder-creek-usd", "handrail person list --organisation agency"
    )
    story.opened().when("engagement assign", role=role, person="elena").refuses(
        WrongPerson, "p-elena", "alder-creek-usd"
    )


@pytest.mark.parametrize("verb", ["close", "withdraw"])
@pytest.mark.parametrize("what", [what for what in BODIES if what not in AFTER_THE_END])
def test_an_ended_engagement_takes_no_further_facts(what: str, verb: str) -> None:
    story = Story().effective().do(f"engagement {verb}", "dana", reason="exit agreed")
    phase = {"close": "closed", "withdraw": "withdrawn"}[verb]
    story.when(what, "marcus", **BODIES[what]).refuses(
        WrongState, phase, "Tue 4 Aug 2026", "exit agreed",
        "handrail engagement open alder-creek-usd",
    )  # fmt: skip


ACTS: dict[str, tuple[str, dict[str, Any]]] = {
    "log a conversation": ("conversation log", {"group": "parents"}),
    "waive a tight step": ("fit decide", {"proceed": True, "criterion": YES, "waive": "hurry"}),
    "sign for the agency": ("deliverable sign", {"deliverable": "D1"}),
    "record the LEA's signature": ("deliverable sign", {"deliverable": "D1", **LEA}),
    "accept a submission": ("deliverable accept", {"deliverable": "D1"}),
    "name another Lead": ("engagement assign", {"role": "lead", "person": "paula"}),
    "become its Lead": ("engagement assign", {"role": "lead", "person": "priya"}),
    "hand it over": ("lead handover", {"to": "paula", "reason": "r"}),
    "say whether its Lead is one for a time only": (
        "engagement assign",
        {"role": "lead", "person": "marcus", "interim": True},
    ),
    "name another Director": ("engagement assign", {"role": "director", "person": "dora"}),
    "say who else holds a role": ("engagement assign", {"role": "lea_contact", "person": "elena"}),
    "withdraw it": ("engagement withdraw", {"reason": "vacancy"}),
    "close it": ("engagement close", {"reason": "exit agreed"}),
    "give a colleague another address": (
        "person change",
        {"person": "{colleague}", "email": "l@x.example"},
    ),
    "have a colleague's mail sent elsewhere": (
        "person change",
        {"person": "{colleague}", "fallback": "tess"},
    ),
    "give somebody of an LEA another address": (
        "person change",
        {"person": "{of the LEA}", "email": "joy@x.example"},
    ),
    "give a staff role": ("person change", {"person": "{colleague}", "role": ("lead",)}),
}
WHO = {
    "Assistant": "tess",
    "Lead of the engagement": "marcus",
    "Another Lead": "priya",
    "Director of the engagement": "dana",
}


AGREED = ("sign for the agency", "record the LEA's signature", "accept a submission")


def _with_colleagues(story: Story) -> Story:
    """Others who could be Lead or Director, and two who are registered as the record does it."""
    for entry in (person("paula", "Paula", "lead"), person("dora", "Dora", "director")):
        story.people |= {entry.id: entry, entry.handle: entry}
    story.do("person register", "dana", handle="lee", name="Lee", email="lee@x.example")
    return story.do("person register", handle="jo", name="Jo", at="ACUSD")


def _registered(body: dict[str, Any], story: Story) -> dict[str, Any]:
    """The same with the ids of the two who were registered."""
    ids = [s.removeprefix("person:") for s in story.histories if s.startswith("person:")]
    named = dict(zip(("{colleague}", "{of the LEA}"), ids, strict=False))
    return {key: named.get(str(value), value) for key, value in body.items()}


def before(act: str) -> Story:
    if act in ("log a conversation", "waive a tight step"):
        return Story(date(2027, 3, 2)).opened()
    if act not in AGREED:
        return _with_colleagues(Story(date(2027, 3, 2)).effective())
    story = Story(date(2027, 3, 2)).effective().proposed(DUE)
    if act == "accept a submission":
        story.signed().by_the_lea("deliverable submit", deliverable="D1")
    return story


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(
    "row",
    [r for r in table("people-and-roles.md", "Who may act") if r["Act"] in ACTS],
    ids=lambda r: r["Act"],
)
def test_people_may_do_what_the_table_says(row: Row, who: str) -> None:
    what, body = ACTS[row["Act"]]
    story = before(row["Act"])
    body = _registered(body, story)
    if row[who] == "yes":
        story.do(what, WHO[who], **body)
        assert story.news
    else:
        story.when(what, WHO[who], **body).refuses(WrongPerson, f"p-{WHO[who]}")


@pytest.mark.parametrize("change", [{"email": "me@x.example"}, {"fallback": "priya"}])
def test_everybody_changes_their_own_entry(change: dict[str, str]) -> None:
    story = _with_colleagues(Story())
    me = _registered({"me": "{colleague}"}, story)["me"]
    story.people["me"] = story.people[me] = replace(person("me", "M", "assistant"), id=me)
    story.when("person change", "me", person=me, **change).records(PersonChanged)
    story.when("person change", person=me, **change).refuses(
        WrongPerson, f"{me} themselves or a Director", "Ask one of them"
    )


def test_the_incoming_lead_takes_over_nothing_by_themselves() -> None:
    story = Story(date(2027, 3, 2)).effective()
    story.do("lead handover", "marcus", to="priya", reason="r", effective=date(2027, 4, 5))
    for what, body in (
        ("engagement assign", {"role": "lead", "person": "priya"}),
        ("engagement withdraw", {"reason": "r"}),
        ("lead handover-cancel", {"reason": "r"}),
    ):
        story.when(what, "priya", **body).refuses(WrongPerson, "p-priya may not", "p-marcus")


def test_another_lea_has_an_engagement_of_its_own() -> None:
    story = Story().opened()
    story.do("engagement open", engagement=HARBOR, lea=HARBOR, lead="marcus", director="dana")
    assert story.state(f"engagement:{HARBOR}").version == 1

"""docs/rules/team.md, row by row: members, coverage, who was what, continuity and risks."""

from datetime import date
from typing import Any, cast

import pytest
from pydantic import ValidationError

from domain.engagement.engagement import RoleAssigned
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Invalid,
    Refused,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.policy.playbook import Playbook
from domain.program.people import PersonRegistered
from domain.rules.context import LeaEntry
from domain.team.members import (
    Membership,
    Team,
    TeamMemberAdded,
    TeamMemberLeft,
    continuity,
    lacking,
)
from domain.team.risks import RiskChanged, Risks
from queries.names import Names
from queries.team import who_was_what
from tests.domain.story import ALDER, PLAYBOOK, ZONE, Story, person
from tests.domain.tables import Row, day, table

assert PLAYBOOK.team is not None
RULES = PLAYBOOK.team
COUNTY = "manzanita-coe"
MORE = (
    person("robert", "Robert Hale", at=ALDER),
    person("paul", "Paul Reyes", at=ALDER),
    person("rosa", "Rosa Lim", at=ALDER),
    person("ines", "Ines Cole", at=ALDER),
    person("sam", "Sam Okafor", at=COUNTY),
    person("nadia", "Nadia Flores", at="external:State University"),
)


def staffed(at: date = date(2026, 8, 4)) -> Story:
    """A story with more people: teachers, a principal, a county office and a university."""
    story = Story(at)
    for one in MORE:
        story.people[one.id] = story.people[one.handle] = one
    office = LeaEntry(COUNTY, "Manzanita County Office of Education", "county_office_of_education")
    story.leas[COUNTY] = office
    return story


def two_years() -> Story:
    """The team of the tables, over two school years."""
    story = staffed().effective().on(date(2026, 10, 20))
    for who, kind in (
        ("elena", "superintendent"),
        ("joy", "district_admin"),
        ("paul", "principal"),
    ):
        story.do("team add", "marcus", person=who, as_=kind)
    story.on(date(2026, 10, 21))
    for who in ("rosa", "ines"):
        story.do("team add", "marcus", person=who, as_="teacher")
    story.on(date(2027, 6, 14)).do("team leave", "marcus", person="ines", reason="moved")
    story.on(date(2027, 8, 2)).do("engagement assign", "dana", role="lead", person="priya")
    story.on(date(2027, 8, 12)).do("leader leave", person="elena", last_day=date(2027, 8, 31))
    return story.on(date(2027, 9, 7)).do(
        "engagement assign", role="superintendent", person="robert"
    )


# The tables ---------------------------------------------------------------------------------


def test_the_kinds_are_those_of_the_table() -> None:
    where = {"lea": "the LEA", "agency": "the agency", "external": "neither"}
    assert [(k.id, k.name, where[k.side]) for k in RULES.kinds] == [
        (r["Kind"], r["What it is"], r["Works at"]) for r in table("team.md", "Kinds of members")
    ]


@pytest.mark.parametrize("row", table("team.md", "Whom the team lacks"), ids=lambda r: r["Members"])
def test_a_team_lacks_what_the_table_says(row: Row) -> None:
    members = [
        Membership(f"p-{n}", kind, "lea", date(2026, 10, 20))
        for n, kind in enumerate(row["Members"].split(", "))
    ]
    found = ", ".join(lacking(members, RULES)) or "nothing"
    assert found == row["The team has not yet"]


@pytest.mark.parametrize("row", table("team.md", "Who was what"), ids=lambda r: r["Day"])
def test_who_was_what_can_be_asked_for_any_day(row: Row) -> None:
    found = who_was_what(two_years().state(), day(row["Day"]), ZONE, Names(cast(Any, None)))
    assert found is not None
    roles = {r.what: r.person.handle.removeprefix("p-") for r in found.roles}
    assert roles.get("superintendent", "nobody") == row["Superintendent"]
    assert roles["lead"] == row["Lead"]
    team = {m.person.handle.removeprefix("p-") for m in found.team}
    assert team == set(row["In the team"].split(", "))


@pytest.mark.parametrize("row", table("team.md", "Continuity"), ids=lambda r: r["Looked at"])
def test_continuity_counts_who_was_still_there(row: Row) -> None:
    figures = continuity(two_years().state(), RULES, day(row["Looked at"]), ZONE)
    assert (figures.joined, figures.stayed, str(figures.share or "none")) == (
        int(row["Joined twelve months ago or more"]),
        int(row["Still there"]),
        row["Share"],
    )
    assert dict(figures.changes) == {"lead": 1, "superintendent": 1}


@pytest.mark.parametrize(
    "row", table("team.md", "Risks"), ids=lambda r: f"{r['Before']} {r['Command']} {r['Level']}"
)
def test_a_risk_goes_up_and_down_as_the_table_says(row: Row) -> None:
    story = Story().opened()
    body = {"risk": "politics", "level": row["Level"], "reason": "election"}
    if row["Before"] != "none":
        story.do("risk raise", **{**body, "level": row["Before"]})
    when = story.when(f"risk {row['Command']}", **body)
    if row["Answer"] in ("WrongState", "AlreadyExists"):
        kinds: dict[str, type[Refused]] = {"WrongState": WrongState, "AlreadyExists": AlreadyExists}
        when.refuses(kinds[row["Answer"]], "politics", row["Level"])
    else:
        when.records(RiskChanged)
        assert story.state().of(Risks).level == row["Answer"]


# Members ------------------------------------------------------------------------------------


def test_a_change_of_the_team_says_whom_it_lacks() -> None:
    story = staffed().opened()
    [added] = story.when("team add", person="joy", as_="District-Admin").records(TeamMemberAdded)
    assert added.sentence() == (
        "p-joy is in the team as district admin from Tue 4 Aug 2026. The team has not yet: "
        "a teacher and a principal."
    )
    story.do("team add", person="paul", as_="principal").do(
        "team add", person="rosa", as_="teacher"
    )
    assert "not yet" not in story.news[0].sentence()
    [gone] = story.when("team leave", person="rosa", reason="retired").records(TeamMemberLeft)
    assert gone.sentence() == (
        "p-rosa is not in the team from Tue 4 Aug 2026: retired. The team has not yet: a teacher."
    )


def test_somebody_may_come_back_as_something_else() -> None:
    story = staffed().opened().do("team add", person="rosa", as_="teacher")
    story.on(date(2026, 9, 8)).do("team leave", person="rosa", reason="promoted")
    story.when("team add", person="rosa", as_="principal").records(TeamMemberAdded)
    assert [(m.kind, m.until) for m in story.state().of(Team).all] == [
        ("teacher", date(2026, 9, 8)),
        ("principal", None),
    ]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"as_": "techer"}, Unknown, ("'techer'", "Did you mean teacher"), id="kind"),
        pytest.param({"person": "rosaa"}, Unknown, ("'rosaa'", "rosa"), id="nobody"),
        pytest.param({"person": "noor"}, WrongPerson, ("harbor-charter",), id="another LEA"),
        pytest.param({"person": "marcus"}, WrongPerson, ("the agency",), id="of the agency"),
        pytest.param({"person": "nadia"}, WrongPerson, ("State University",), id="of outside"),
        pytest.param({"person": "joy", "as_": "university"}, WrongPerson,
                     ("'University partner'", "--organisation external"), id="not of outside"),
        pytest.param({"person": "joy", "as_": "agency_staff"}, WrongPerson,
                     ("--organisation agency",), id="not of the agency"),
        pytest.param({"person": "elena"}, AlreadyExists,
                     ("superintendent since Tue 4 Aug 2026", "handrail team leave"), id="twice"),
        pytest.param({"effective": date(2026, 8, 5)}, ImpossibleDate, ("Wed 5 Aug 2026",),
                     id="ahead"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_membership_is_named(
    body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    story = staffed().opened().do("team add", person="elena", as_="superintendent")
    story.when("team add", **{"person": "rosa", "as_": "teacher", **body}).refuses(kind, *words)


def test_times_in_the_team_do_not_overlap() -> None:
    story = staffed().opened().do("team add", person="rosa", as_="teacher")
    story.on(date(2026, 9, 8)).do("team leave", person="rosa", reason="leave of absence")
    story.when("team add", person="rosa", as_="teacher", effective=date(2026, 9, 1)).refuses(
        ImpossibleDate, "Tue 1 Sep 2026", "until Tue 8 Sep 2026"
    )
    story.when("team leave", person="rosa", reason="r").refuses(
        WrongState, "since Tue 8 Sep 2026", "handrail team show"
    )
    story.do("team add", person="rosa", as_="teacher")
    story.when("team leave", person="rosa", reason="r", effective=date(2026, 9, 1)).refuses(
        ImpossibleDate, "since Tue 8 Sep 2026"
    )


def test_members_of_outside_and_of_the_agency_belong_to_the_team() -> None:
    story = staffed().opened().do("team add", person="nadia", as_="university")
    story.do("team add", person="priya", as_="agency staff")
    assert [m.side for m in story.state().of(Team).all] == ["external", "agency"]


def test_an_engagement_whose_playbook_knows_no_team_says_so() -> None:
    story = Story()
    story.playbook = PLAYBOOK.model_copy(update={"team": None, "risks": None, "turnover": None})
    story.opened()
    story.when("team add", person="joy", as_="teacher").refuses(WrongState, "dta-sir@3")
    story.when("risk raise", risk="politics", level="high", reason="r").refuses(WrongState, "risks")
    story.when("leader leave", person="elena").refuses(WrongState, "handrail engagement assign")


# The county office, and people of outside -----------------------------------------------------


def test_a_county_office_has_a_representative() -> None:
    story = staffed().opened()
    story.when("engagement assign", role="county_rep", person="sam").records(RoleAssigned)
    assert story.engagement.roles["county_rep"] == "p-sam"


@pytest.mark.parametrize(
    ("who", "where"),
    [("joy", ALDER), ("marcus", "the agency"), ("nadia", "State University"),
     ("noor", "harbor-charter")],
)  # fmt: skip
def test_nobody_else_represents_a_county_office(who: str, where: str) -> None:
    staffed().opened().when("engagement assign", role="county_rep", person=who).refuses(
        WrongPerson, f"p-{who}", where, "handrail person list --organisation OFFICE"
    )


def test_a_step_that_names_the_representative_copies_them() -> None:
    content = PLAYBOOK.model_dump(mode="json")
    content["policies"][0]["steps"][0]["to"] = ["owner", "county_rep"]
    story = staffed(date(2027, 3, 9))
    story.playbook = Playbook.model_validate(content)
    story.effective().proposed(date(2027, 4, 16)).signed().on(date(2027, 3, 10))
    story.do("engagement assign", role="county_rep", person="sam").on(date(2027, 4, 6))
    told = {m.person for m in story.mails if ("D1", 1, "t-14") in m.items}
    assert told == {"p-joy", "p-sam"}


def test_somebody_of_outside_is_registered_with_their_organisation() -> None:
    story = Story()
    [event] = story.when(
        "person register", handle="nadia", name="Nadia Flores", external="State University"
    ).records(PersonRegistered)
    assert isinstance(event, PersonRegistered)
    assert event.organisation == "external:State University"
    assert "of State University." in event.sentence()


def test_somebody_of_outside_works_nowhere_else() -> None:
    story = Story()
    nadia = {"handle": "nadia", "name": "Nadia Flores", "external": "State University"}
    story.when("person register", at="ACUSD", **nadia).refuses(
        WrongPerson, "Alder Creek", "--organisation"
    )
    story.when("person register", "dana", role=("lead",), email="n@state.example", **nadia).refuses(
        WrongPerson, "lead", "--role"
    )
    story.when("lea register", id="external", name="External", type="school_district").refuses(
        Invalid, "'external'"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"team": {"continuity_months": 12, "kinds": [{"id": "a", "name": "A"}],
                  "coverage": [{"id": "b", "name": "a b", "kinds": ["b"]}]}},
        {"turnover": {"leaders": ["superintendent"], "recommit_within_days": 30,
                      "policy": "standard", "risk_kind": "weather", "risk_level": "high"}},
        {"turnover": {"leaders": ["superintendent"], "recommit_within_days": 30,
                      "policy": "nightly"}},
    ],
)  # fmt: skip
def test_a_playbook_that_names_what_it_has_not_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Playbook.model_validate({**PLAYBOOK.model_dump(mode="json"), **change})


# Risks --------------------------------------------------------------------------------------


def test_a_risk_is_of_a_kind_and_a_level_of_the_playbook() -> None:
    story = Story().opened()
    body = {"risk": "politics", "level": "high", "reason": "election"}
    story.when("risk raise", **{**body, "risk": "politic"}).refuses(
        Unknown, "'politic'", "Did you mean politics", "location"
    )
    story.when("risk raise", **{**body, "level": "severe"}).refuses(
        Unknown, "'severe'", "low, medium, high"
    )
    story.on(date(2026, 9, 8)).do("risk raise", **body)
    story.when("risk lower", **{**body, "level": "low"}, effective=date(2026, 9, 1)).refuses(
        ImpossibleDate, "Tue 1 Sep 2026", "since Tue 8 Sep 2026"
    )


def test_the_risk_of_an_engagement_is_the_highest_of_all() -> None:
    story = Story().opened()
    assert story.state().of(Risks).level is None
    story.do("risk raise", risk="location", level="medium", reason="far")
    story.do("risk raise", risk="politics", level="low", reason="election")
    assert story.state().of(Risks).level == "medium"

"""Steps 1 to 7: a roster, an engagement, conversations, and the decision that it fits."""

from tests.end_to_end.scenario.desk import Desk, E, local

LEAS = {
    "alder-creek-usd": ("Alder Creek Unified School District", "school_district"),
    "harbor-charter": ("Harbor Charter School", "charter_school"),
    "salt-flat-elementary": ("Salt Flat Elementary School District", "school_district"),
    "granite-ford-usd": ("Granite Ford Unified School District", "school_district"),
    "tule-bend-high": ("Tule Bend High School District", "school_district"),
    "fern-gulch-elementary": ("Fern Gulch Elementary School District", "school_district"),
    "copper-ledge-charter": ("Copper Ledge Charter School", "charter_school"),
    "dry-wash-usd": ("Dry Wash Joint Unified School District", "school_district"),
    "lupine-flat-usd": ("Lupine Flat Unified School District", "school_district"),
    "osprey-slough-charter": ("Osprey Slough Charter School", "charter_school"),
    "cinder-butte-usd": ("Cinder Butte Unified School District", "school_district"),
    "manzanita-coe": ("Manzanita County Office of Education", "county_office_of_education"),
}
"""Twelve LEAs, all of them fictional."""

RECESS = (
    ("Autumn recess", "2054-11-23", "2054-11-27"),
    ("Winter recess", "2054-12-21", "2055-01-08"),
    ("Spring recess", "2055-03-29", "2055-04-02"),
    ("Summer recess", "2055-06-14", "2055-07-23"),
    ("Autumn recess", "2055-11-22", "2055-11-26"),
    ("Winter recess", "2055-12-20", "2056-01-07"),
)

STAFF = {
    "marcus": ("Marcus Oyelaran", "lead"),
    "priya": ("Priya Raman", "lead"),
    "nora": ("Nora Bell", "lead"),
    "tess": ("Tess Nguyen", "assistant"),
    "lionel": ("Lionel Park", "assistant"),
}

AT_THE_LEA = {
    "elena": "Elena Duarte",
    "robert": "Robert Hale",
    "joy": "Joy Kim",
    "carla": "Carla Mendes",
    "grace": "Grace Lund",
    "omar": "Omar Reyes",
    "wen": "Wen Li",
}


def furnish(desk: Desk) -> None:
    """The program with its calendar and playbook, and its people."""
    desk.clock("2054-08-03", "08:30")
    desk.do(
        "init", "--name", "Direct technical assistance", "--agency", "The Collaborative",
        "--sender", "handrail@collaborative.example", "--director", "dana",
        "--director-name", "Dana Whitfield", "--director-email", "dana@collaborative.example",
    )  # fmt: skip
    staff = [
        {"handle": handle, "name": name, "email": f"{handle}@collaborative.example", "role": role}
        for handle, (name, role) in STAFF.items()
    ]
    desk.do("person", "import", desk.file("staff.csv", staff), by="dana")


def step_01_the_roster_is_imported(desk: Desk) -> None:
    furnish(desk)
    desk.clock("2054-08-03", "09:00")
    roster = [
        {"id": id_, "name": name, "kind": kind, "county": "Manzanita",
         "alias": "ACUSD; Alder Creek" if id_ == E else ""}
        for id_, (name, kind) in LEAS.items()
    ]  # fmt: skip
    file = desk.file("roster.csv", roster)

    dry = desk.rows("lea", "import", file, "--dry-run")
    assert [r["outcome"] for r in dry] == ["would be recorded"] * len(LEAS)
    assert desk.rows("lea", "list") == []

    told = desk.rows("lea", "import", file)
    assert [(r["row"], r["outcome"]) for r in told] == [(n, "recorded") for n in range(2, 14)]
    assert {desk.one("lea", "show", name)["id"] for name in ("ACUSD", "Alder Creek", E)} == {E}

    people = [
        {
            "handle": handle,
            "name": name,
            "email": f"{handle}@alder-creek.example",
            "organisation": "ACUSD",
        }
        for handle, name in AT_THE_LEA.items()
    ]
    people.append(
        {"handle": "sam", "name": "Sam Okafor", "email": "sam@manzanita-coe.example",
         "organisation": "manzanita-coe"}
    )  # fmt: skip
    desk.do("person", "import", desk.file("people.csv", people))
    recess = [
        {"command": "lea recess", "lea": "Alder Creek", "name": name, "first": first, "last": last}
        for name, first, last in RECESS
    ]
    desk.do("import", desk.file("recess.csv", recess))


OPEN = (
    "engagement", "open", E, "--playbook", "dta-sir@3", "--origin", "county_referral",
    "--statute", "EC 52074(g)(1)(A)", "--lead", "marcus", "--director", "dana",
    "--contact", "joy", "--superintendent", "elena",
)  # fmt: skip


def step_02_the_engagement_is_opened(desk: Desk) -> None:
    desk.clock("2054-08-04", "09:10")
    desk.do(*OPEN)
    [opened] = desk.events("engagement-opened")
    assert opened["version"] == 1
    shown = desk.show()
    assert (shown["phase"], shown["playbook"]) == ("recruiting", "dta-sir@3")
    assert (shown["source"], shown["statute"]) == ("county_referral", "EC 52074(g)(1)(A)")
    desk.do("engagement", "assign", E, "assistant", "tess", by="dana")
    desk.do("engagement", "assign", E, "board_clerk", "carla", by="dana")


def step_03_a_double_press_opens_nothing(desk: Desk) -> None:
    desk.clock("2054-08-04", "09:11")
    before = desk.events()
    said = desk.refused(*OPEN)
    assert f"{E} is already there" in said
    assert desk.events() == before


def step_04_five_groups_were_spoken_to(desk: Desk) -> None:
    for day, group in (
        ("2054-08-11", "superintendent"), ("2054-08-13", "board"),
        ("2054-08-18", "union-president"), ("2054-08-20", "principals"),
        ("2054-08-25", "ed-services"),
    ):  # fmt: skip
        desk.clock(day, "10:00")
        desk.do("conversation", "log", E, group, "--note", "What works here.", by="marcus")
    covered = desk.show()["conversations"]
    assert len(covered) == 5
    assert not {"parents", "students"} & covered.keys()


FIT = ("fit", "decide", E, "--proceed", "--answer", "agreement=yes",
       "--answer", "underserved=yes", "--answer", "commitment=partly")  # fmt: skip


def step_05_a_tight_step_blocks(desk: Desk) -> None:
    said = desk.refused(*FIT, by="marcus")
    assert "parents, students are missing" in said
    assert "a director waives it with a reason" in said
    assert "--waive" in said
    assert desk.show()["phase"] == "recruiting"


def step_06_conversations_are_entered_later(desk: Desk) -> None:
    desk.clock("2054-08-31", "10:00")
    rows = [
        {"engagement": E, "group": "parents", "on": "2054-08-27"},
        {"engagement": E, "group": "students", "on": "2054-08-28"},
    ]
    told = desk.rows("conversation", "import", desk.file("aug31.csv", rows), by="marcus")
    assert [r["outcome"] for r in told] == ["recorded"] * 2
    assert len(desk.show()["conversations"]) == 7
    late = desk.events("conversation-logged")[-2:]
    assert [str(local(e["effective_at"]).date()) for e in late] == ["2054-08-27", "2054-08-28"]
    assert {str(local(e["recorded_at"]).date()) for e in late} == {"2054-08-31"}
    assert len(desk.show("--as-known", "2054-08-30")["conversations"]) == 5
    assert len(desk.show("--as-true", "2054-08-27")["conversations"]) == 6


def step_07_it_fits(desk: Desk) -> None:
    desk.clock("2054-09-01", "10:00")
    before = desk.one("portfolio", "mix")
    desk.do(*FIT, by="marcus")
    desk.do("readiness", "judge", E, "--willing", "yes", "--able", "partly",
            "--basis", "One coach for nine schools.", by="marcus")  # fmt: skip
    shown = desk.show()
    assert shown["phase"] == "agreeing"
    assert shown["fit"]["proceed"] is True
    assert len(shown["fit"]["criteria"]) == 3
    assert [(j["willing"], j["able"]) for j in shown["readiness"]] == [("yes", "partly")]
    assert [e["type"] for e in desk.events()[-2:]] == ["fit-decided", "readiness-judged"]
    assert before["taking_part"] == 1, "from the day it was opened"
    desk.do("lea", "classify", E, "--locale", "rural", "--unduplicated", "71.5")
    counts = desk.one("portfolio", "mix")["counts"]
    assert (before["counts"]["locale"], counts["locale"]) == ({"unknown": 1}, {"rural": 1})

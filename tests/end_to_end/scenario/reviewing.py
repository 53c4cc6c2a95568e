"""Steps 15 to 26: the Dashboard, a team, a summit, evidence in waves, and the review."""

from datetime import datetime, timedelta

import yaml

from tests.end_to_end.scenario.desk import ZONE, Desk, E, Row, local

JOY = ("--for", "joy")
WAVE = ("sir", "wave")


def contact(desk: Desk, day: str, kind: str = "visit", *, by: str = "marcus") -> None:
    """A coaching contact with Joy, logged on its day."""
    desk.clock(day, "15:00")
    desk.do("contact", "log", E, "--kind", kind, "--with", "joy", "--purpose", "the work under way",
            by=by)  # fmt: skip


def month(desk: Desk, name: str) -> dict[str, object]:
    """What is asked of the LEA in a month."""
    [found] = [m for m in desk.one("burden", "show", E)["months"] if m["month"] == name]
    return dict(found)


def step_15_the_dashboard_of_the_year(desk: Desk) -> None:
    desk.clock("2054-10-16")
    rows = [
        {"indicator": "mathematics", "group": "", "colour": "orange"},
        {"indicator": "mathematics", "group": "english-learners", "colour": "red"},
        {"indicator": "mathematics", "group": "socioeconomically-disadvantaged", "colour": "red"},
        {"indicator": "chronic-absence", "group": "", "colour": "yellow"},
        {"indicator": "graduation", "group": "", "colour": ""},
    ]
    told = desk.rows("dashboard", "import", E, desk.file("2054.csv", rows), "--year", "2054")
    assert [r["outcome"] for r in told] == ["recorded"] * 5
    [event] = desk.events("dashboard-recorded")
    results = event["data"]["results"]
    assert [(r["result"], r["no_colour"]) for r in results][1:3] == [("red", False)] * 2
    assert (results[4]["result"], results[4]["no_colour"]) == (None, False)


def step_16_a_team_without_a_teacher(desk: Desk) -> None:
    desk.clock("2054-10-20")
    for person, kind in (
        ("elena", "superintendent"), ("joy", "district_admin"), ("grace", "principal")
    ):  # fmt: skip
        said = desk.do("team", "add", E, person, "--role", kind, by="marcus")
    assert "a teacher" in said
    assert desk.show()["team_lacks"] == ["a teacher"]
    desk.do("engagement", "assign", E, "county_rep", "sam", by="dana")
    desk.clock("2054-10-21", "07:30")
    desk.do("team", "add", E, "omar", "--role", "teacher", by="marcus")
    desk.do("team", "add", E, "wen", "--role", "teacher", by="marcus")
    assert desk.show()["team_lacks"] == []
    desk.do("summit", "plan", "Y1-1", "--title", "First summit", "--first", "2054-11-12",
            "--last", "2054-11-13", "--place", "Manzanita", "--registration-due", "2054-11-04",
            "--hours", "6")  # fmt: skip
    desk.do("summit", "plan", "Y1-2", "--title", "Second summit", "--first", "2055-01-21",
            "--last", "2055-01-22", "--place", "Manzanita", "--registration-due", "2055-01-15",
            "--hours", "6")  # fmt: skip
    for summit in ("Y1-1", "Y1-2"):
        desk.do("summit", "invite", summit, E)


def step_17_a_registration_is_reminded_of(desk: Desk) -> None:
    desk.clock("2054-10-30")
    mail, text = desk.mailed("joy", "2054-10-30")
    assert f"{mail.at.astimezone(tz=None):%M}" in ("00", "01", "02")
    assert (mail.at.hour, mail.at.utcoffset()) == (8, timedelta(hours=-7)), "15:00 UTC"
    assert "Y1-1" in text
    assert desk.plan("Y1-1/registration")["t-3"] == ("2054-10-30", "sent")
    desk.do("summit", "register", "Y1-1", E, "--person", "elena", "--person", "joy",
            "--places", "principal=1", "--places", "teacher=3", *JOY,
            "--evidence", "mail of 30 October")  # fmt: skip
    assert desk.plan("Y1-1/registration")["due"] == ("2054-11-04", "registered")


def step_18_too_many_hours_in_one_month(desk: Desk) -> None:
    desk.clock("2054-11-02")
    desk.do("sir", "open", E, "--framework", "sir-12@2019", by="marcus")
    ask = (*WAVE, "propose", E, "--title")
    said = desk.refused(*ask, "All artifacts", "--due", "2054-11-19", "--hours", "86", by="marcus")
    assert "86" in said
    assert "40" in said
    desk.do(*ask, "Plans and calendars", "--due", "2054-11-19", "--hours", "38", by="marcus")
    desk.do(*WAVE, "spare", E, "W1", "--document", "LCAP and budget files", "--hours", "6",
            "--held-by", "the county office", by="marcus")  # fmt: skip
    desk.do(*ask, "Assessments", "--due", "2054-12-18", "--hours", "18", by="marcus")
    waves = desk.one("sir", "show", E)["waves"]
    assert [(w["wave"], w["hours"]) for w in waves] == [("W1", "32"), ("W2", "18")]
    assert month(desk, "2054-11")["forecast"] == "38", "32 h and the summit's 6"


def step_19_a_wave_falls_on_the_summit(desk: Desk) -> None:
    said = desk.do(*WAVE, "propose", E, "--title", "Classroom work", "--due", "2055-01-22",
                   "--hours", "30", by="marcus")  # fmt: skip
    assert "Y1-2" in said
    desk.do(*WAVE, "redate", E, "W3", "--due", "2055-01-20", "--reason", "the summit", by="marcus")
    for wave in ("W1", "W2", "W3"):
        assert not desk.plan(wave), "nobody is reminded before both have signed"
        desk.sign(WAVE, wave, "2 November")
    waves = desk.one("sir", "show", E)["waves"]
    assert [(w["due"], w["hours"], w["status"]) for w in waves] == [
        ("2054-11-19", "32", "agreed"), ("2054-12-18", "18", "agreed"),
        ("2055-01-20", "30", "agreed"),
    ]  # fmt: skip


def step_20_the_local_hour_is_kept(desk: Desk) -> None:
    desk.clock("2054-11-05")
    mail, text = desk.mailed("joy", "2054-11-05")
    assert (mail.at.hour, mail.at.utcoffset()) == (8, timedelta(hours=-8)), "16:00 UTC"
    assert "W1" in text
    contact(desk, "2054-11-10")


def step_21_the_first_summit(desk: Desk) -> None:
    desk.clock("2054-11-14")
    rows: list[Row] = [
        {"day": day, "role": role, "person": person, "count": count}
        for day in (1, 2)
        for role, person, count in (
            ("superintendent", "elena", ""),
            ("district-leader", "joy", ""),
            ("principal", "", "1"),
            ("teacher", "", "3"),
        )
    ]
    rows.append({"day": 2, "role": "county-rep", "person": "sam", "count": ""})
    file = desk.file("attendance.csv", [{"lea": "ACUSD", **row} for row in rows])
    told = desk.rows("summit", "attendance", "import", "Y1-1", file)
    assert {r["outcome"] for r in told} == {"recorded"}
    spelled = {"elena": "Elena Duarte", "joy": "Joy Kim"}
    again = [
        {"Role": str(row["role"]).capitalize(), "Number of people": row["count"],
         "Day": {1: "11/12/2054", 2: "2054-11-13"}[int(str(row["day"]))],
         "Attendee": spelled.get(str(row["person"]), row["person"]), "District": E}
        for row in reversed(rows)
    ]  # fmt: skip
    other = desk.file("attendance (1).csv", again)
    given = ("summit", "attendance", "import", "Y1-1", other, "--dates", "mdy")
    assert {r["outcome"] for r in desk.rows(*given)} == {"recorded before"}
    [was] = [s for s in desk.show()["summits"] if s["summit"] == "Y1-1"]
    assert was["attended"] == 7
    first, second = was["days"].values()
    assert first == {"superintendent": 1, "district-leader": 1, "principal": 1, "teacher": 3}
    assert second == {**first, "county-rep": 1}, "Sam on day 2 only"


def step_22_the_power_fails_before_a_reminder(desk: Desk) -> None:
    desk.clock("2054-11-16", "07:55")
    before = [m.number for m in desk.mails()]
    desk.power_cut(datetime(2054, 11, 16, 8, 20, tzinfo=ZONE))
    desk.clock("2054-11-16", "12:00")
    mail, text = desk.mailed("joy", "2054-11-16")
    assert mail.number not in before
    assert (mail.at.hour, mail.at.minute // 5) == (8, 4), "from 08:20 until what is due is gathered"
    assert "W1" in text
    assert desk.plan("W1")["t-3"] == ("2054-11-16", "sent")
    [notice] = [r for r in desk.settled("2054-11-16") if r["item"] == "W1"]
    assert local(notice["planned_for"]).hour == 8
    assert len(notice["deliveries"]) == 1


METHODS = ("interview", "focus-group", "walk", "document")
EMPTY = (8, 12)


def step_23_evidence_by_method(desk: Desk) -> None:
    desk.clock("2054-11-18")
    desk.do(*WAVE, "receive", E, "W1", *JOY, "--evidence", "shared folder, wave 1")
    contact(desk, "2054-12-09")
    desk.clock("2054-12-17")
    desk.do(*WAVE, "receive", E, "W2", *JOY, "--evidence", "shared folder, wave 2")
    rows = [
        {"engagement": E, "area": area, "method": METHODS[area % 4], "group": "teachers",
         "count": area}
        for area in range(1, 13) if area not in EMPTY
    ]  # fmt: skip
    told = desk.rows("evidence", "import", desk.file("evidence.csv", rows), by="marcus")
    assert {r["outcome"] for r in told} == {"recorded"}
    review = desk.one("sir", "show", E)
    assert len(review["areas"]) == 12
    assert review["areas"][0]["evidence"] == {"focus-group": 1}
    assert review["empty_areas"] == ["district-capacity", "governance"]


def step_24_the_recess_is_kept(desk: Desk) -> None:
    desk.clock("2055-01-11")
    mail, text = desk.mailed("joy", "2055-01-11")
    assert mail.at.hour == 8
    assert "W3" in text
    wave = desk.plan("W3")
    assert wave["t-14"] == ("2055-01-11", "sent")
    assert wave["t-3"][0] == "2055-01-14", "18 January is a holiday"
    recess = [
        m for m in desk.mails("alder-creek") if "2054-12-21" <= str(m.day) <= "2055-01-08"
    ]  # fmt: skip
    assert recess == []
    contact(desk, "2055-01-12")
    desk.do("summit", "decline-invitation", "Y1-2", E, "--reason", "examinations", *JOY,
            "--evidence", "mail of 12 January")  # fmt: skip


def step_25_the_draft_and_its_window(desk: Desk) -> None:
    desk.clock("2055-01-20")
    desk.do(*WAVE, "receive", E, "W3", *JOY, "--evidence", "shared folder, wave 3")
    desk.clock("2055-01-25")
    findings = [
        {"command": "sir finding", "engagement": E, "area": str(area),
         "strength": f"What area {area} does well.", "need": f"What area {area} needs."}
        for area in range(1, 13)
    ]  # fmt: skip
    actions = [
        {"command": "sir action add", "engagement": E, "area": str(area), "title": f"Action {n}"}
        for n, area in enumerate((*range(1, 13), 1, 9), start=1)
    ]
    file = desk.file("review.yaml", yaml.safe_dump(findings + actions))
    assert {r["outcome"] for r in desk.rows("import", file, by="marcus")} == {"recorded"}
    desk.do("sir", "draft", E, by="marcus")
    assert desk.one("sir", "show", E)["corrections_until"] == "2055-02-08"
    desk.clock("2055-02-04")
    for area in ("1", "4", "6"):
        desk.do("sir", "correct", E, "--area", area, "--text", f"The figure in area {area}.",
                *JOY, "--evidence", "letter of 4 February")  # fmt: skip
    assert len(desk.one("sir", "show", E)["corrections"]) == 3
    assert "8 Feb 2055" in desk.refused("sir", "finalize", E, by="marcus")
    contact(desk, "2055-02-09")


def step_26_a_few_priorities(desk: Desk) -> None:
    desk.clock("2055-02-16")
    for correction in ("FC1", "FC2", "FC3"):
        desk.do("sir", "answer", E, correction, "taken", "--note", "The figure is put right.",
                by="marcus")  # fmt: skip
    chosen = [f"RA{n}" for n in range(1, 7)]
    both = (*JOY, "--evidence", "notes of today")
    assert "5" in desk.refused("sir", "choose", E, *chosen, *both, by="marcus")
    desk.do("sir", "choose", E, *chosen[:4], *both, by="marcus")
    empty = ("--without-evidence", "8=no access", "--without-evidence", "12=no meeting observed")
    assert "district-capacity" in desk.refused("sir", "finalize", E, by="marcus")
    desk.do("sir", "finalize", E, *empty, by="marcus")
    review = desk.one("sir", "show", E)
    assert review["final"] == "2055-02-16"
    assert all(area["strength"] and area["need"] for area in review["areas"])
    assert (len(review["actions"]), len(review["chosen"])) == (14, 4)
    assert desk.show()["phase"] == "partnering"
    desk.clock("2055-02-26")
    desk.do("sir", "present", E, "--on", "2055-02-25", by="marcus")
    assert desk.one("sir", "show", E)["presented"] == ["2055-02-25"]

"""Steps 38 to 46: a Lead hands over, a superintendent leaves, the focus moves."""

import yaml

from cli.admin import DEFAULT_PLAYBOOK
from embedded.mailcatcher import NOWHERE
from tests.embedded.support import eventually
from tests.end_to_end.scenario.desk import Desk, E, Row, local
from tests.end_to_end.scenario.partnering import sent, suppressed
from tests.end_to_end.scenario.recruiting import LEAS
from tests.end_to_end.scenario.replaying import replay
from tests.end_to_end.scenario.reviewing import JOY, contact

OTHERS = tuple(lea for lea in LEAS if lea != E)
AGREED_LATER = ("cinder-butte-usd", "manzanita-coe")
"""They come in after the winter."""


def joins(
    desk: Desk, leas: tuple[str, ...], name: str, day: str, opened: tuple[str, ...] = ()
) -> None:
    """Other LEAs on the short way: the Director waives what was done before Handrail."""
    rows: list[Row] = []
    for lea in leas:
        if lea not in opened:
            rows.append(
                {"command": "engagement open", "lea": lea, "lead": "nora", "director": "dana"}
            )
        rows += [
            {"command": "fit decide", "engagement": lea, "proceed": True,
             "answer": {"agreement": "yes", "underserved": "yes", "commitment": "yes"},
             "waive": "spoken to before Handrail was in use"},
            {"command": "agreement draft", "engagement": lea},
            *({"command": "agreement act", "engagement": lea, "board": board,
               "decision": "approved", "on": day} for board in ("lea", "ccee")),
        ]  # fmt: skip
    told = desk.rows("import", desk.file(name, yaml.safe_dump(rows)), by="dana")
    assert {r["outcome"] for r in told} == {"recorded"}


def step_38_a_lead_hands_over(desk: Desk) -> None:
    contact(desk, "2055-07-01", "teleconference")
    desk.clock("2055-07-15")
    desk.do("lead", "handover", E, "--to", "priya", "--on", "2055-08-02", "--reason",
            "Marcus moves to another county", by="marcus")  # fmt: skip
    [handover] = desk.show()["handovers"]
    desk.remembered["handover"] = handover
    packet = desk.one("lead", "packet", E, by="marcus")
    assert {"D5", "D6"} <= {o["item"] for o in packet["owed"]}
    owed = {r["item"]: r["due"] for r in desk.rows("due", "--engagement", E)}
    assert owed["LH1/overlap"] == "2055-07-29"
    contact(desk, "2055-07-29")
    desk.do("handover", "meet", E, "--on", "2055-07-29", "--note", "Walked through it all.",
            by="marcus")  # fmt: skip
    desk.clock("2055-08-02")
    shown = desk.show()
    assert shown["roles"]["lead"] == "Priya Raman"
    [was] = [t for t in shown["tenures"] if t["person"] == "Marcus Oyelaran"]
    assert (was["role"], was["until"]) == ("lead", "2055-08-02")
    contact(desk, "2055-08-11", by="priya")


def step_39_the_superintendent_resigns(desk: Desk) -> None:
    desk.clock("2055-08-12")
    desk.do("leader", "leave", E, "elena", "--last", "2055-08-31", "--reason", "retires",
            by="priya")  # fmt: skip
    shown = desk.show()
    assert shown["risk"] == "high"
    [leaving] = shown["leavings"]
    assert leaving["recommit_by"] == "2055-09-13", "11 September is a Saturday"
    owed = {r["item"]: r for r in desk.rows("due", "--engagement", E)}
    assert owed["recommitment/leader"]["due"] == "2055-09-13"
    assert owed["D5"]["held"]
    assert owed["D6"]["held"]
    for item in ("D5", "D6"):
        assert [reason.split(":")[0] for reason in suppressed(desk, item)] == ["held"]
    desk.clock("2055-09-01")
    assert "superintendent" not in desk.show()["roles"]
    desk.do("engagement", "assign", E, "superintendent", "robert", by="dana")


def step_40_the_new_leader_recommits(desk: Desk) -> None:
    desk.clock("2055-09-09")
    desk.do("recommitment", "record", E, "--for", "robert", "--evidence", "letter of 9 September",
            by="priya")  # fmt: skip
    assert desk.show()["holds"], "until the board reaffirms, too"
    contact(desk, "2055-09-10", by="priya")
    desk.clock("2055-09-23", "20:00")
    desk.do("recommitment", "reaffirm", E, "--on", "2055-09-23", "--evidence",
            "minutes, item 12")  # fmt: skip
    shown = desk.show()
    assert shown["holds"] == []
    assert shown["passed_on_hold"] == [{"item": "D5", "round": 1, "due": "2055-09-17"}]
    assert {"D5/new-date"} <= {r["item"] for r in desk.rows("due", "--engagement", E)}
    desk.do("deliverable", "redate", E, "D5", "--due", "2055-10-22", "--reason",
            "fell due on hold", by="priya")  # fmt: skip
    desk.sign(("deliverable",), "D5", "23 September", by="priya")
    quiet = [m for m in desk.mails("joy") if "2055-08-12" <= str(m.day) <= "2055-09-23"]
    assert quiet == []
    desk.clock("2055-09-24")
    assert "D6" in desk.mailed("joy", "2055-09-24")[1], "what still lay ahead"
    assert sent(desk, "D6") == ["2055-09-24"], "and no burst"
    assert sent(desk, "recommitment/leader") == ["2055-08-30", "2055-09-08"]


def step_41_the_focus_moves(desk: Desk) -> None:
    desk.clock("2055-09-27")
    joins(desk, tuple(lea for lea in OTHERS if lea not in AGREED_LATER), "cohort.yaml",
          "2055-09-27")  # fmt: skip
    desk.do("engagement", "open", "cinder-butte-usd", "--lead", "nora", "--director", "dana")
    desk.do("summit", "plan", "Y2-2", "--title", "Second summit of the second year",
            "--first", "2055-11-04", "--last", "2055-11-05", "--place", "Harbor",
            "--registration-due", "2055-10-27", "--hours", "6")  # fmt: skip
    for lea in (E, "harbor-charter"):
        desk.do("summit", "invite", "Y2-2", lea)
        desk.do("summit", "register", "Y2-2", lea, "--places", "teacher=2", "--places",
                "superintendent=1")  # fmt: skip
    desk.clock("2055-10-06")
    desk.do("deliverable", "submit", E, "D6", *JOY, "--evidence", "shared folder")
    desk.do("deliverable", "accept", E, "D6", by="priya")
    contact(desk, "2055-10-12", by="priya")
    desk.clock("2055-10-15")
    before = desk.one("focus", "show", E)["lineage"][0]["alignment"]
    rows = [
        {"indicator": "mathematics", "group": "", "colour": "yellow"},
        {"indicator": "chronic-absence", "group": "", "colour": "red"},
    ]
    desk.do("dashboard", "import", E, desk.file("2055.csv", rows), "--year", "2055")
    move = ("focus", "set", E, "One pupil in four misses a month of school.",
            "--indicator", "chronic-absence")  # fmt: skip
    assert "--reason" in desk.refused(*move, by="priya")
    desk.do(*move, "--reason", "the Dashboard of 2055 is red there", *JOY, "--evidence",
            "notes of 15 October", by="priya")  # fmt: skip
    desk.do("focus", "align", E, "--year", "2055", "--verdict", "yes", "--basis", "It is red.",
            "--problem", "F2", by="priya")  # fmt: skip
    first, second = desk.one("focus", "show", E)["lineage"]
    assert (first["ended_because"], first["until"]) == (
        "the Dashboard of 2055 is red there", "2055-10-15",
    )  # fmt: skip
    assert [(a["year"], a["verdict"]) for a in first["alignment"]] == [
        (a["year"], a["verdict"]) for a in before
    ] == [(2054, "yes")]  # fmt: skip
    assert [(a["year"], a["verdict"]) for a in second["alignment"]] == [(2055, "yes")]
    desk.clock("2055-10-20")
    desk.do("deliverable", "submit", E, "D5", *JOY, "--evidence", "shared folder")
    desk.do("deliverable", "accept", E, "D5", by="priya")


def step_42_two_leas_as_critical_friends(desk: Desk) -> None:
    desk.clock("2055-11-05", "16:00")
    desk.do("summit", "pair", "Y2-2", E, "harbor-charter", "--question",
            "How do you reach the families?", "--note", "Begin with a visit.")  # fmt: skip
    for lea, partner in ((E, "harbor-charter"), ("harbor-charter", E)):
        [noted] = desk.rows("consultancy", "list", lea)
        assert "Begin with a visit." in str(noted)
        [summit] = [s for s in desk.show(engagement=lea)["summits"] if s["summit"] == "Y2-2"]
        assert partner in str(summit["paired_with"])
    desk.do("summit", "commitment", "add", "Y2-2", E, "A list of families to visit",
            "--role", "superintendent", "--due", "2055-11-15", by="priya")  # fmt: skip


def step_43_a_mail_bounces(desk: Desk) -> None:
    desk.do("person", "change", "robert", "--email", f"robert@{NOWHERE}", "--fallback", "joy")
    contact(desk, "2055-11-09", by="priya")
    _, text = desk.mailed("joy", "2055-11-09")
    assert "A list of families to visit" in text
    assert "Robert Hale" in text, "in whose place it comes"
    [notice] = [r for r in desk.settled("2055-11-09") if r["item"] == "Y2-2/1"]
    assert [(d["to"], d["outcome"]) for d in notice["deliveries"]] == [
        ("robert", "bounced"), ("joy", "sent"),
    ]  # fmt: skip

    def tasks() -> list[str]:
        owed = desk.rows("due", "--person", "tess", "--engagement", E)
        return [r["title"] for r in owed if r["item"].startswith("address/")]

    eventually(lambda: len(tasks()) == 1, 30, "what came back leaves a task")
    [task] = tasks()
    assert "Robert Hale" in task or "robert" in task
    desk.do("person", "change", "robert", "--email", "robert@alder-creek.example")
    eventually(lambda: tasks() == [], 30, "the right address was found")
    desk.do("summit", "commitment", "settle", "Y2-2", E, "1", "--outcome", "kept", by="priya")


def step_44_the_slip_is_put_right(desk: Desk) -> None:
    desk.clock("2055-11-10")
    desk.do("investment", "correct", E, "INV-7", "--amount", "42000", "--reason",
            "digits swapped")  # fmt: skip
    [corrected] = desk.events("investment-corrected")
    assert str(local(corrected["effective_at"]).date()) == "2055-04-20"

    def inv7(*more: str) -> Row:
        [row] = [r for r in desk.rows("investment", "list", E, *more) if r["investment"] == "INV-7"]
        return row

    now, then = inv7(), inv7("--as-known", "2055-06-30")
    assert (now["now"]["amount"], now["reported"]["amount"]) == ("42000.00", "24000.00")
    assert now["made_on"] == "2055-04-20"
    assert then["reported"]["amount"] == "24000.00"


def new_playbook(desk: Desk) -> str:
    """The next version of the shipped playbook: one more tight step, and dates of the statutes."""
    playbook = yaml.safe_load(DEFAULT_PLAYBOOK.read_text(encoding="utf-8"))
    playbook["version"] = 4
    playbook["steps"].append(
        {"id": "sustain", "name": "A plan by which the LEA keeps it going", "tight": True,
         "waiver": "director", "phase": "partnering", "before": ["engagement close"]}
    )  # fmt: skip
    playbook["statutes"] = {"phases": ["reviewing", "partnering"], "opens_days_before": 60}
    return desk.file("dta-sir-4.yaml", yaml.safe_dump(playbook, sort_keys=False))


def step_45_a_newer_handbook(desk: Desk) -> None:
    desk.clock("2055-11-30")
    desk.do("commitment", "judge", E, "CI-1", "1", "--outcome", "kept", by="priya")
    desk.clock("2055-12-01")
    desk.do("playbook", "publish", new_playbook(desk), by="dana")
    before = desk.events()
    done = {s["step"]: s["standing"] for s in desk.rows("step", "list", E)}
    upgrade = ("playbook", "upgrade", E, "--playbook", "dta-sir@4")
    preview = desk.do(*upgrade, "--dry-run", by="dana")
    assert "A plan by which the LEA keeps it going" in preview
    assert desk.events() == before, "a preview writes nothing"
    desk.do(*upgrade, "--reason", "the handbook of the second year", by="dana")
    assert desk.show()["playbook"] == "dta-sir@4"
    after = {s["step"]: s["standing"] for s in desk.rows("step", "list", E)}
    assert {k: v for k, v in after.items() if k != "sustain"} == done
    desk.remembered["replayed"] = replay(desk)
    contact(desk, "2055-12-09", by="priya")


MEANS = {"coaching": "3.60", "data-use": "3.30", "improvement-focus": "3.20",
         "team-approach": "3.90", "sharing": "3.00", "root-cause": "3.10"}  # fmt: skip


def step_46_the_second_survey(desk: Desk) -> None:
    contact(desk, "2056-01-11", by="priya")
    desk.clock("2056-01-20")
    means = [{"construct": name, "mean": mean, "answers": 24} for name, mean in MEANS.items()]
    desk.do("survey", "import", E, desk.file("year2.csv", means), "--survey", "2",
            "--on", "2056-01-19")  # fmt: skip
    shown = desk.one("survey", "show", E)
    assert len(shown["surveys"]) == 2
    assert shown["kind"] == "process"
    [growth] = shown["growth"]
    assert len(growth["constructs"]) == 6
    assert "survey" not in str(desk.one("focus", "show", E)).casefold()

"""Ten questions that anybody may ask at the end."""

from tests.end_to_end.scenario.desk import Desk, E, local
from tests.end_to_end.scenario.recruiting import LEAS

ACTS = ("agreement-drafted", "board-item-submitted", "agenda-posted", "pulled-from-consent",
        "board-acted", "agreement-effective")  # fmt: skip


def query_01_the_agreement_with_every_act_and_who_recorded_it(desk: Desk) -> None:
    versions = {e["version"]: e for e in desk.events(*ACTS)}
    told = []
    for line in desk.do("history", E).splitlines():
        event = versions.get(int(line[:4]) if line[:4].strip().isdigit() else 0)
        if event is not None:
            what = event["data"].get("action") or event["type"]
            recorded = str(local(event["recorded_at"]).date())
            told.append((recorded, what, line.rsplit(" — ", 1)[1]))
    assert told == [
        ("2054-09-02", "agreement-drafted", "Tess Nguyen"),
        ("2054-09-10", "board-item-submitted", "Tess Nguyen"),
        ("2054-09-21", "agenda-posted", "Tess Nguyen"),
        ("2054-09-24", "pulled-from-consent", "Tess Nguyen"),
        ("2054-09-24", "continued", "Tess Nguyen"),
        ("2054-10-01", "signed", "Tess Nguyen"),
        ("2054-10-05", "agenda-posted", "Tess Nguyen"),
        ("2054-10-08", "approved", "Tess Nguyen"),
        ("2054-10-15", "ratified", "Lionel Park"),
        ("2054-10-15", "agreement-effective", "Lionel Park"),
    ]


def query_02_every_message_to_joy_in_april_and_may(desk: Desk) -> None:
    due: dict[str, list[tuple[str, str]]] = {}
    for r in desk.rows("ledger", E):
        for d in r["deliveries"]:
            day = str(local(d["at"]).date())
            if d["to"] == "joy" and "2055-04-01" <= day <= "2055-05-31":
                assert d["outcome"] == "sent"
                due.setdefault(day, []).append((r["item"], r["step"]))
    assert {day: sorted(items) for day, items in sorted(due.items())} == {
        "2055-04-05": [("D1", "t-14")],
        "2055-04-16": [("D1", "t-14")],
        "2055-04-27": [("D1", "t-3")],
        "2055-04-30": [("D2", "t-14")],
        "2055-05-11": [("D2", "t-3")],
        "2055-05-14": [("D2", "due"), ("D3", "t-14")],
        "2055-05-17": [("D2", "+1")],
        "2055-05-21": [("D2", "+5")],
        "2055-05-25": [("D3", "t-3")],
    }
    mails = [str(m.day) for m in desk.mails("joy") if "2055-04-01" <= str(m.day) <= "2055-05-31"]
    assert mails == sorted(due), "one mail a day, and none besides"


def query_03_a_day_as_then_known_and_as_now_known(desk: Desk) -> None:
    assert desk.show("--as-known", "2055-06-30") == desk.remembered["30 June"]
    history = desk.rows("history", E, "--as-known", "2055-06-30")
    assert history == desk.remembered["30 June, history"]
    now = desk.show("--as-true", "2055-06-30")
    then = desk.remembered["30 June"]
    assert [float(i["amount"]) for i in (then["investments"][-1], now["investments"][-1])] == [
        24000, 42000,
    ]  # fmt: skip
    assert now["roles"] == then["roles"]
    assert now["phase"] == then["phase"] == "partnering"


def query_04_who_was_what_on_any_day(desk: Desk) -> None:
    for day, lead, superintendent, rep in (
        ("2054-10-19", "marcus", "elena", None),
        ("2054-10-20", "marcus", "elena", "sam"),
        ("2055-08-01", "marcus", "elena", "sam"),
        ("2055-08-02", "priya", "elena", "sam"),
        ("2055-08-31", "priya", "elena", "sam"),
        ("2055-09-01", "priya", "robert", "sam"),
        ("2056-06-30", "priya", "robert", "sam"),
    ):
        shown = desk.one("team", "show", E, "--on", day)
        held = {r["what"]: r["person"] for r in shown["roles"]}
        assert (held.get("lead"), held.get("superintendent"), held.get("county_rep")) == (
            lead, superintendent, rep,
        ), day  # fmt: skip


def query_05_every_waiver_with_its_authority(desk: Desk) -> None:
    waivers = desk.one("lead", "packet", "harbor-charter")["waivers"]
    assert {w["step"] for w in waivers} == {"conversations"}
    assert {w["authority"] for w in waivers} == {"Dana Whitfield"}
    assert {w["reason"] for w in waivers} == {"spoken to before Handrail was in use"}
    assert desk.one("lead", "packet", E)["waivers"] == []


def query_06_hours_by_month_against_the_cap(desk: Desk) -> None:
    burden = desk.one("burden", "show", E)
    agreed = {m["month"]: float(m["agreed"]) for m in burden["months"]}
    assert burden["cap"] == "40"
    assert (agreed["2054-11"], agreed["2054-12"], agreed["2055-01"]) == (38, 18, 30)
    assert agreed["2055-05"] == 36
    assert max(agreed.values()) <= 40


def query_07_the_lineage_of_the_focus(desk: Desk) -> None:
    lineage = desk.one("focus", "show", E)["lineage"]
    assert [(f["since"], f["until"]) for f in lineage] == [
        ("2055-03-02", "2055-10-15"), ("2055-10-15", None),
    ]  # fmt: skip
    assert [[(a["year"], a["verdict"]) for a in f["alignment"]] for f in lineage] == [
        [(2054, "yes")], [(2055, "yes")],
    ]  # fmt: skip


def query_08_days_without_contact(desk: Desk) -> None:
    dosage = desk.one("dosage", E)
    assert dosage["days_over"] == 8, "43 days from 24 March to 6 May"


def query_09_investments_as_reported_and_corrected(desk: Desk) -> None:
    rows = desk.rows("investment", "list", E)
    assert {r["now"]["fiscal_year"] for r in rows} == {"2054-55"}
    assert sum(float(r["reported"]["amount"]) for r in rows) == 75700.50
    assert sum(float(r["now"]["amount"]) for r in rows) == 93700.50
    then = desk.rows(
        "investment", "list", E, "--fiscal-year", "2054-55", "--as-known", "2055-06-30"
    )
    assert [r["reported"] for r in then] == desk.remembered["30 June, investments"]
    [money] = desk.rows("appropriation", "list")
    assert money["by_fiscal_year"] == {"2054-55": "93700.50"}


STAGES = {
    "2055-06-30": {"partnering": 1},
    "2055-10-01": {"partnering": 1, "onboarding": 9, "recruiting": 1},
    "2056-03-31": {"partnering": 1, "onboarding": 10, "withdrawn": 1},
    "2056-07-31": {"closed": 1, "onboarding": 10, "withdrawn": 1},
}


def query_10_the_portfolio_by_stage_on_any_day(desk: Desk) -> None:
    opened = {e["id"] for e in desk.rows("engagement", "list")}
    assert opened == set(LEAS)
    for day, stages in STAGES.items():
        counted: dict[str, int] = {}
        for lea in sorted(opened):
            answer = desk.ask("engagement", "show", lea, "--as-true", day, "--json")
            if answer.code:
                assert "not open yet" in answer.err + answer.out
            else:
                phase = answer.lines[0]["phase"]
                counted[phase] = counted.get(phase, 0) + 1
        assert counted == stages, day

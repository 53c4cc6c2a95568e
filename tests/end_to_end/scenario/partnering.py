"""Steps 27 to 37: what both sides make together, on time and late, and the first check-in."""

from tests.end_to_end.scenario.desk import Desk, E, local
from tests.end_to_end.scenario.reviewing import JOY, contact, month

DELIVERABLE = ("deliverable",)
PROPOSED = {
    "D1": ("Theory of action on a page", "2055-04-16", "8"),
    "D2": ("Data protocol", "2055-05-14", "10"),
    "D3": ("Coaching calendar", "2055-05-28", "16"),
    "D4": ("Plan of actions", "2055-05-21", "22"),
}


def sent(desk: Desk, item: str) -> list[str]:
    """The days on which somebody was reminded of an item."""
    return sorted(
        str(local(r["planned_for"]).date())
        for r in desk.rows("ledger", E, "--item", item)
        if r["outcome"] == "sent"
    )


def suppressed(desk: Desk, item: str) -> dict[str, list[str]]:
    """For each reason, the days on which nobody was reminded of an item."""
    found: dict[str, list[str]] = {}
    for r in desk.rows("ledger", E, "--item", item):
        if r["outcome"] == "suppressed":
            found.setdefault(r["reason"], []).append(str(local(r["planned_for"]).date()))
    return {reason: sorted(days) for reason, days in found.items()}


def step_27_problem_causes_and_deliverables(desk: Desk) -> None:
    desk.clock("2055-03-02")
    said = (*JOY, "--evidence", "notes of 2 March")
    desk.do("focus", "set", E, "Pupils cannot say how they solved a problem.",
            "--indicator", "mathematics", *said, by="marcus")  # fmt: skip
    for cause in ("No shared planning time", "Tasks with one way to an answer"):
        desk.do("focus", "cause", "add", E, cause, *said, by="marcus")
    desk.do("focus", "theory", E, "If teams plan together, pupils talk more mathematics.",
            by="marcus")  # fmt: skip
    desk.do("focus", "align", E, "--year", "2054", "--verdict", "yes", "--basis", "Red twice.",
            by="marcus")  # fmt: skip
    desk.do("measure", "add", E, "Joint planning meetings a month", "--kind", "leading",
            "--baseline", "1", "--target", "4", *said, by="marcus")  # fmt: skip
    desk.do("measure", "add", E, "Pupils at standard", "--kind", "lagging", "--baseline", "31",
            "--target", "45", "--not-before", "2055-10-01", *said, by="marcus")  # fmt: skip
    for title, due, hours in PROPOSED.values():
        desk.do("deliverable", "propose", E, title, "--due", due, "--hours", hours, by="marcus")
    desk.do("survey", "ask", E, "--due", "2055-05-20", "--hours", "2", by="marcus")
    desk.do("summit", "plan", "Y1-3", "--title", "Third summit", "--first", "2055-05-12",
            "--last", "2055-05-13", "--place", "Manzanita", "--registration-due", "2055-04-30",
            "--hours", "6")  # fmt: skip
    desk.do("summit", "invite", "Y1-3", E)
    for item in PROPOSED:
        assert not desk.plan(item), "nobody is reminded of what is proposed"
    may = month(desk, "2055-05")
    assert (may["forecast"], may["forecast_over"]) == ("56", True)
    shown = desk.one("focus", "show", E)
    assert len(shown["lineage"][0]["root_causes"]) == 2


def step_28_declined_and_merged(desk: Desk) -> None:
    desk.clock("2055-03-05")
    desk.do("deliverable", "decline", E, "D4", "--reason", "same as our LCAP work", *JOY,
            "--evidence", "call of 5 March")  # fmt: skip
    desk.do("deliverable", "merge", E, "D3", "D4", "--hours", "18", "--scope",
            "With what the LCAP does not say about coaching.",
            "--reason", "what D4 has beside the LCAP", by="marcus")  # fmt: skip
    desk.do("deliverable", "satisfies", E, "D3", "--plan", "lcap", "--already-done",
            "--reference", "LCAP 2054-55, goal 2", *JOY, "--evidence",
            "call of 5 March")  # fmt: skip
    assert month(desk, "2055-05")["forecast"] == "36"
    d4 = desk.do("deliverable", "show", E, "D4")
    assert "same as our LCAP work" in d4
    assert "LCAP 2054-55, goal 2" in desk.do("deliverable", "show", E, "D3")


def step_29_signed_by_both(desk: Desk) -> None:
    desk.clock("2055-03-09")
    for item in ("D1", "D2", "D3"):
        desk.do("deliverable", "sign", E, item, by="marcus")
        assert not desk.plan(item), "one signature is not two"
        desk.do("deliverable", "sign", E, item, "--for", "elena", "--evidence", "letter of 9 March")
    planned = desk.one("reminders", "plan", E)["planned"]
    ahead = {p["step"]: (p["local"][4:20], p["to"]) for p in planned if p["item"] == "D1"}
    assert {step: local_ for step, (local_, _) in ahead.items()} == {
        "t-14": "2055-04-05 08:00", "t-3": "2055-04-13 08:00", "due": "2055-04-16 08:00",
        "+1": "2055-04-19 08:00", "+5": "2055-04-23 08:00", "+10": "2055-04-30 08:00",
    }  # fmt: skip
    assert ahead["+10"][1] == ["joy", "marcus", "dana"]
    desk.do("summit", "register", "Y1-3", E, "--person", "joy", "--places", "teacher=2", *JOY,
            "--evidence", "mail of 9 March")  # fmt: skip
    contact(desk, "2055-03-10")
    contact(desk, "2055-03-24", "teleconference")


def step_30_after_the_recess(desk: Desk) -> None:
    desk.clock("2055-04-05")
    mail, text = desk.mailed("joy", "2055-04-05")
    assert mail.at.hour == 8
    assert "D1" in text
    assert desk.mails("joy", "2055-04-02") == []
    assert desk.plan("D1")["t-14"] == ("2055-04-05", "sent")


def step_31_a_new_date_is_agreed(desk: Desk) -> None:
    desk.clock("2055-04-12")
    desk.do("deliverable", "redate", E, "D1", "--due", "2055-04-30",
            "--reason", "the board meets later", by="marcus")  # fmt: skip
    assert desk.plan("D1")["t-3"] == ("2055-04-13", "planned"), "what is agreed stands"
    desk.sign(DELIVERABLE, "D1", "12 April")
    assert {step: day for step, (day, _) in desk.plan("D1", 2).items()} == {
        "t-14": "2055-04-16", "t-3": "2055-04-27", "due": "2055-04-30",
        "+1": "2055-05-03", "+5": "2055-05-07", "+10": "2055-05-14",
    }  # fmt: skip
    desk.clock("2055-04-16")
    _, text = desk.mailed("joy", "2055-04-16")
    assert "30 April 2055" in text
    assert desk.mails("joy", "2055-04-13") == []
    assert desk.plan("D1")["t-3"] == ("2055-04-13", "re-dated")
    assert desk.plan("D1", 2)["t-14"] == ("2055-04-16", "sent")


def step_32_an_investment_with_a_slip(desk: Desk) -> None:
    desk.clock("2055-04-20")
    desk.do("appropriation", "record", "dta-2054", "--amount", "400000", "--source", "an act",
            "--first", "2054-07-01", "--last", "2057-06-30", by="dana")  # fmt: skip
    rows = [
        {"engagement": E, "amount": amount, "fiscal-year": "2054-55", "kind": kind,
         "purpose": purpose, "on": day}
        for amount, kind, purpose, day in (
            (12000, "stipends", "teachers of the team", "2054-11-16"),
            (8500, "consultant", "facilitation", "2054-12-10"),
            (3000, "devices", "tablets for walks", "2055-01-14"),
            (15000, "professional-development", "mathematics talks", "2055-02-18"),
            (4200.50, "communications", "letters home", "2055-03-16"),
            (9000, "data-systems", "an early-warning view", "2055-04-06"),
        )
    ]  # fmt: skip
    told = desk.rows("investment", "import", desk.file("investments.csv", rows))
    assert [r["outcome"] for r in told] == ["recorded"] * 6
    said = desk.do("investment", "add", E, "--amount", "24000", "--fiscal-year", "2054-55",
                   "--purpose", "special education review")  # fmt: skip
    assert "INV-7" in said
    [added] = [i for i in desk.show()["investments"] if i["investment"] == "INV-7"]
    assert (added["amount"], added["focus"]) == ("24000.00", "F1")


def step_33_too_long_without_contact(desk: Desk) -> None:
    desk.clock("2055-04-27")
    assert "D1" in desk.mailed("joy", "2055-04-27")[1]
    desk.clock("2055-04-28")
    mail, text = desk.mailed("marcus", "2055-04-28")
    assert mail.at.hour == 8
    assert "24 Mar" in text
    gap = desk.plan("coaching/contact", max_round(desk, "coaching/contact"))
    assert gap["due"] == ("2055-04-28", "sent")
    assert gap["+10"] == ("2055-05-10", "planned"), "8 May is a Saturday"


def max_round(desk: Desk, item: str) -> int:
    """The latest round of an item."""
    return max(int(r["round"]) for r in desk.rows("ledger", E, "--item", item))


RATED = ("--focus", "yes", "--progress", "partly", "--impact", "too-early")


def step_34_submitted_and_rated(desk: Desk) -> None:
    desk.clock("2055-04-29")
    desk.do("deliverable", "submit", E, "D1", *JOY, "--evidence", "shared folder")
    desk.do("deliverable", "rate", E, "D1", *RATED, by="marcus")
    desk.do("deliverable", "rate", E, "D1", *RATED, *JOY, "--evidence", "call of 29 April")
    desk.do("deliverable", "correct-course", E, "D1", "--learned", "Four of ten teams met.",
            "--change", "Meetings move into the school day.", "--evidence", "M1",
            by="marcus")  # fmt: skip
    assert sent(desk, "D1") == ["2055-04-05", "2055-04-16", "2055-04-27"]
    assert suppressed(desk, "D1") == {
        "re-dated": ["2055-04-13", "2055-04-16", "2055-04-19", "2055-04-23", "2055-04-30"],
        "submitted": ["2055-04-30", "2055-05-03", "2055-05-07", "2055-05-14"],
    }  # fmt: skip
    desk.do("deliverable", "accept", E, "D1", "--note", "Clear on one page.", by="marcus")
    assert len(desk.rows("course", "list", E)) == 1


MEANS = {"coaching": "3.10", "data-use": "2.80", "improvement-focus": "3.00",
         "team-approach": "3.40", "sharing": "2.60", "root-cause": "2.50"}  # fmt: skip


def step_35_one_late_and_one_on_time(desk: Desk) -> None:
    desk.clock("2055-05-05")
    means = [{"construct": name, "mean": mean, "answers": 22} for name, mean in MEANS.items()]
    desk.do("survey", "import", E, desk.file("year1.csv", means), "--survey", "1",
            "--on", "2055-05-04")  # fmt: skip
    contact(desk, "2055-05-06")
    before = max_round(desk, "coaching/contact") - 1
    assert desk.plan("coaching/contact", before)["+10"] == ("2055-05-10", "contact logged")
    desk.clock("2055-05-14")
    _, text = desk.mailed("joy", "2055-05-14")
    assert "D2" in text
    assert "D3" in text
    assert "D1" not in text.replace("D1/", "")
    desk.clock("2055-05-21")
    desk.mailed("joy", "2055-05-21")
    assert "D2" in desk.mailed("marcus", "2055-05-21")[1]
    desk.clock("2055-05-25")
    desk.mailed("joy", "2055-05-25")
    desk.do("deliverable", "submit", E, "D2", *JOY, "--evidence", "shared folder")
    desk.clock("2055-05-27")
    desk.do("deliverable", "submit", E, "D3", *JOY, "--evidence", "shared folder")
    desk.clock("2055-05-28")
    for item in ("D2", "D3"):
        desk.do("deliverable", "accept", E, item, by="marcus")
    assert sent(desk, "D2") == [
        "2055-04-30", "2055-05-11", "2055-05-14", "2055-05-17", "2055-05-21",
    ]  # fmt: skip
    assert suppressed(desk, "D2") == {"submitted": ["2055-05-28"]}
    assert sent(desk, "D3") == ["2055-05-14", "2055-05-25"]
    [four] = suppressed(desk, "D3").values()
    assert len(four) == 4
    assert not any("D2" in desk.do("mail", "show", str(m.number)).split("Your month")[0]
                   for m in desk.mails("dana", "2055-05-28"))  # fmt: skip


PURPOSES = ("commitment", "support-match", "coaching-capacity", "impact-measurement")


def answers(said: str) -> list[str]:
    """An answer to each purpose of a check-in."""
    return [part for p in PURPOSES for part in ("--answer", f"{p}={said}")]


def step_36_the_first_check_in(desk: Desk) -> None:
    contact(desk, "2055-06-02")
    desk.clock("2055-06-10", "15:00")
    desk.do("checkin", "hold", E, "--on", "2055-06-10", "--with", "elena", "--with", "joy",
            by="marcus")  # fmt: skip
    promised = [
        part
        for one in ("2055-12-01/joy=A second coach.", "2056-02-01/dana=A day on data.",
                    "2056-03-01/elena=Planning time in every school.")
        for part in ("--commitment", one)
    ]  # fmt: skip
    blank = [
        a if a != "coaching-capacity=Said." else "coaching-capacity=" for a in answers("Said.")
    ]
    said = desk.refused("checkin", "close", E, *blank, *promised, by="marcus")
    assert "coaching-capacity" in said
    desk.do("checkin", "close", E, *answers("Said."), *promised, by="marcus")
    [first] = desk.show()["checkins"]
    assert set(first["purposes"]) == set(PURPOSES)
    assert [c["by"] for c in first["commitments"]] == ["2055-12-01", "2056-02-01", "2056-03-01"]
    for title, due in (("Walks in every school", "2055-09-17"), ("Second cycle", "2055-10-08")):
        desk.do("deliverable", "propose", E, title, "--due", due, "--hours", "8", by="marcus")
    for item in ("D5", "D6"):
        desk.sign(DELIVERABLE, item, "10 June")


def step_37_the_end_of_the_fiscal_year(desk: Desk) -> None:
    desk.clock("2055-06-30", "16:00")
    desk.remembered["30 June"] = desk.show("--as-known", "2055-06-30")
    desk.remembered["30 June, history"] = desk.rows("history", E, "--as-known", "2055-06-30")
    rows = desk.rows(
        "investment", "list", E, "--fiscal-year", "2054-55", "--as-known", "2055-06-30"
    )
    desk.remembered["30 June, investments"] = [r["reported"] for r in rows]
    assert sum(float(r["now"]["amount"]) for r in rows) == 75700.50

"""Steps 8 to 14: two boards, their agendas, and an agreement that binds once both have acted."""

from tests.end_to_end.scenario.desk import Desk, E, local

CLERK = ("--for", "carla", "--evidence", "call of today")


def item(desk: Desk, board: str) -> str:
    """How far the agreement is before a board."""
    [agreement] = desk.show()["agreements"]
    return str(agreement["boards"][board]["state"])


def alarms(desk: Desk, round_: int) -> list[tuple[str, str]]:
    """The alarms about one posting of the LEA's board: the local moment and what became of each."""
    return [
        (f"{local(r['planned_for']):%m-%d %H:%M}", r["reason"] or r["outcome"])
        for r in desk.rows("ledger", E)
        if r["step"] in ("2h", "deadline") and r["round"] == round_
    ]


def step_08_nothing_is_charged(desk: Desk) -> None:
    desk.clock("2054-09-02")
    said = desk.refused("agreement", "draft", E, "--charge", "500")
    assert "500" in said
    desk.do("agreement", "draft", E)
    [agreement] = desk.show()["agreements"]
    assert {name: b["state"] for name, b in agreement["boards"].items()} == {
        "lea": "pending", "ccee": "pending",
    }  # fmt: skip


def step_09_the_clerk_submits_for_consent(desk: Desk) -> None:
    desk.clock("2054-09-10")
    said = desk.do("board", "submit", E, "lea", "--scheduled", "2054-09-24", "--at", "18:00",
                   "--consent", *CLERK)  # fmt: skip
    assert "Mon 21 Sep 2054" in said
    assert "18:00" in said
    assert alarms(desk, 1) == [("09-21 16:00", "planned"), ("09-21 18:00", "planned")]


def step_10_two_hours_before_the_deadline(desk: Desk) -> None:
    desk.clock("2054-09-21", "17:20")
    for to in ("carla", "tess"):
        mail, _ = desk.mailed(to, "2054-09-21")
        assert (mail.at.hour, mail.at.minute) == (16, 0)
    desk.do("board", "post", E, "lea", "--on", "2054-09-21", "--at", "17:20", *CLERK)
    desk.clock("2054-09-22")
    assert alarms(desk, 1) == [("09-21 16:00", "sent"), ("09-21 18:00", "posted")]
    assert len(desk.mails("carla")) == 1


def step_11_pulled_from_consent_and_continued(desk: Desk) -> None:
    desk.clock("2054-09-24", "20:00")
    desk.do("board", "pull", E, "lea", "--reason", "a trustee asks for a discussion")
    said = desk.do("agreement", "act", E, "lea", "continued", "--on", "2054-09-24",
                   "--next", "2054-10-08", *CLERK)  # fmt: skip
    assert "Thu 8 Oct 2054" in said
    assert "Mon 5 Oct 2054" in said
    assert item(desk, "lea") == "continued"
    assert alarms(desk, 2) == [("10-05 16:00", "planned"), ("10-05 18:00", "planned")]
    assert "planned" not in {outcome for _, outcome in alarms(desk, 1)}


def step_12_signed_under_delegation(desk: Desk) -> None:
    desk.clock("2054-10-01")
    desk.do("agreement", "act", E, "ccee", "signed", "--on", "2054-10-01")
    assert item(desk, "ccee") == "signed"
    assert desk.show()["phase"] == "agreeing"


def step_13_one_board_is_not_enough(desk: Desk) -> None:
    desk.clock("2054-10-05", "15:00")
    desk.do("board", "post", E, "lea", "--on", "2054-10-05", "--at", "14:30", *CLERK)
    assert {outcome for _, outcome in alarms(desk, 2)} == {"posted"}
    desk.clock("2054-10-08", "20:00")
    desk.do("agreement", "act", E, "lea", "approved", "--on", "2054-10-08", "--vote", "4-1",
            *CLERK)  # fmt: skip
    assert item(desk, "lea") == "approved"
    assert not desk.events("agreement-effective")
    assert desk.show()["phase"] == "agreeing"


def step_14_both_boards_have_acted(desk: Desk) -> None:
    desk.clock("2054-10-15", "20:00")
    desk.do("agreement", "act", E, "ccee", "ratified", "--on", "2054-10-15", "--minutes",
            "minutes of 15 October, item 9", by="lionel")  # fmt: skip
    [effective] = desk.events("agreement-effective")
    assert str(local(effective["effective_at"]).date()) == "2054-10-15"
    assert desk.show()["phase"] == "onboarding"
    owed = {r["item"]: r["due"] for r in desk.rows("due", "--engagement", E)}
    assert owed["coaching/contact"] == "2054-11-19", "35 days from the agreement"

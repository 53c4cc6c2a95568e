"""Steps 47 to 52: a date of a statute, one LEA leaves, a summit moves, and the work is done."""

from collections import Counter

from tests.end_to_end.scenario.desk import Desk, E
from tests.end_to_end.scenario.partnering import answers
from tests.end_to_end.scenario.replaying import replay
from tests.end_to_end.scenario.reviewing import JOY, contact
from tests.end_to_end.scenario.turning import AGREED_LATER, OTHERS, joins

RESTS = "osprey-slough-charter"
"""In recess in the week to which the summit moves."""


def step_47_a_date_of_a_statute(desk: Desk) -> None:
    desk.clock("2056-02-01")
    desk.do("commitment", "judge", E, "CI-1", "2", "--outcome", "partly", "--note", "Half a day.",
            by="priya")  # fmt: skip
    joins(desk, AGREED_LATER, "late.yaml", "2056-02-01", opened=("cinder-butte-usd",))
    desk.do("lea", "recess", RESTS, "Spring recess", "--first", "2056-05-15",
            "--last", "2056-05-19")  # fmt: skip
    desk.do("summit", "plan", "Y2-5", "--title", "Last summit", "--first", "2056-05-11",
            "--last", "2056-05-12", "--place", "Manzanita", "--registration-due", "2056-05-03",
            "--hours", "6")  # fmt: skip
    invited = desk.rows("summit", "invite", "Y2-5", E, *OTHERS)
    assert len(invited) == 12
    contact(desk, "2056-02-10", by="priya")
    desk.clock("2056-02-23")
    mail, text = desk.mailed("joy", "2056-02-23")
    assert mail.at.hour == 8
    assert "Mid-year LCAP report" in text
    assert "28 February 2056" in text
    assert desk.plan("lcap-mid-year/2056")["t-3"] == ("2056-02-23", "sent")
    desk.do("statute", "done", E, "lcap-mid-year", "--year", "2056", *JOY, "--evidence",
            "minutes of 23 February")  # fmt: skip


def step_48_one_lea_withdraws(desk: Desk) -> None:
    desk.clock("2056-03-08")
    lea = "salt-flat-elementary"
    history = desk.events(engagement=lea)
    assert desk.rows("due", "--engagement", lea)
    desk.do(
        "engagement", "withdraw", lea, "--reason", "superintendent vacancy", "--sure", by="dana"
    )
    assert desk.rows("due", "--engagement", lea) == []
    assert "planned" not in {r["outcome"] for r in desk.rows("ledger", lea)}
    assert desk.events(engagement=lea)[: len(history)] == history
    assert desk.show(engagement=lea)["end_reason"] == "superintendent vacancy"
    mix = desk.one("portfolio", "mix")
    assert (mix["taking_part"], mix["left"]) == (11, 1)
    contact(desk, "2056-03-09", by="priya")


def step_49_a_summit_moves_for_all(desk: Desk) -> None:
    desk.clock("2056-04-04")
    move = ("bulk", "reschedule", "summit", "Y2-5", "--first", "2056-05-18")
    before = desk.events()
    dry = desk.rows(*move, "--dry-run")
    assert desk.events() == before, "a dry run writes nothing"
    moved = desk.rows(*move)
    for told, words in (
        (dry, ("would move", "would be skipped")),
        (moved, ("moved", "skipped")),
    ):
        outcomes = {r["engagement"]: r["outcome"] for r in told}
        assert Counter(outcomes.values()) == {words[0]: 10, words[1]: 1, "nothing to move": 1}
        assert outcomes[RESTS] == words[1]
        assert outcomes["salt-flat-elementary"] == "nothing to move", "it is over"
    [skipped] = [r for r in moved if r["engagement"] == RESTS]
    assert "recess" in skipped["why"].casefold()
    [summit] = [s for s in desk.show()["summits"] if s["summit"] == "Y2-5"]
    assert summit["first"] == "2056-05-18"
    desk.do("summit", "decline-invitation", "Y2-5", E, "--reason", "the year ends")
    contact(desk, "2056-04-10", by="priya")


def step_50_the_second_check_in(desk: Desk) -> None:
    contact(desk, "2056-05-10", by="priya")
    contact(desk, "2056-06-08", by="priya")
    desk.do(
        "checkin", "hold", E, "--on", "2056-06-08", "--with", "robert", "--with", "joy", by="priya"
    )
    close = (
        "checkin", "close", E, *answers("Said again."), "--outcome", "end",
        "--basis", "the LEA carries it", "--sustain", "A team meets every month.",
    )  # fmt: skip
    assert "CI-1" in desk.refused(*close, by="priya"), "what was promised is not judged yet"
    desk.do("commitment", "judge", E, "CI-1", "3", "--outcome", "dropped", "--note",
            "She left; the new calendar has none.", by="priya")  # fmt: skip
    desk.do(*close, by="priya")
    both = desk.one("checkin", "show", E)
    assert [p["before"] for p in both["purposes"]] == ["Said."] * 4
    assert [p["now"] for p in both["purposes"]] == ["Said again."] * 4
    verdicts = [c["verdict"] for c in both["before"]["commitments"]]
    assert verdicts == ["kept", "partly", "dropped"]
    assert (both["checkin"]["outcome"], both["checkin"]["sustain"]) == (
        "end", "A team meets every month.",
    )  # fmt: skip
    assert "exit" in {r["item"] for r in desk.rows("due", "--engagement", E)}


def step_51_the_engagement_is_closed(desk: Desk) -> None:
    desk.clock("2056-06-30")
    close = ("engagement", "close", E, "--reason",
             "exit agreed at check-in 2; reported to the board on 22 June", "--sure")  # fmt: skip
    assert "sustain" in desk.refused(*close, by="dana"), "the tight step of the newer handbook"
    desk.do("step", "done", E, "sustain", "--for", "robert", "--evidence", "board of 22 June",
            by="priya")  # fmt: skip
    desk.remembered["replayed at the end"] = replay(desk)
    desk.do(*close, by="dana")
    assert len(desk.events("engagement-closed")) == 1
    assert desk.rows("due", "--engagement", E) == []
    assert "planned" not in {r["outcome"] for r in desk.rows("ledger", E)}
    shown = desk.show()
    assert shown["phase"] == "closed"
    assert (shown["roles"]["lead"], shown["roles"]["superintendent"]) == (
        "Priya Raman", "Robert Hale",
    )  # fmt: skip


def step_52_a_records_request(desk: Desk) -> None:
    desk.clock("2056-08-15")
    then = ("--as-known", "2055-08-24", "--as-true", "2055-08-24")
    once, twice = (desk.do("history", E, *then, "--json") for _ in range(2))
    assert once == twice
    assert once.count("\n") > 100
    shown = desk.show(*then)
    assert shown["roles"]["lead"] == "Priya Raman"
    assert shown["roles"]["superintendent"] == "Elena Duarte"
    [leaving] = shown["leavings"]
    assert (leaving["announced"], leaving["last_day"]) == ("2055-08-12", "2055-08-31")
    [inv7] = [i for i in shown["investments"] if i["investment"] == "INV-7"]
    assert float(inv7["amount"]) == 24000

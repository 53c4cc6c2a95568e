"""Mistakes of an ordinary office, each made, noticed and mended at the command line.

Two LEAs live the same days with the same people's names but for one word. At the one everything is
typed right at once; at the other it is typed wrong, or what belongs elsewhere is entered, and put
right the same day. Afterwards every view, ledger, mail and total of the two is the same.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.embedded.support import Installation, eventually
from tests.end_to_end.scenario.desk import Desk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

RIGHT, SLIPPED = "birch", "aspen"
YES = ("--answer", "agreement=yes", "--answer", "underserved=yes")
PURPOSES = ("commitment", "support-match", "coaching-capacity", "impact-measurement")
Words = tuple[str, ...]


@dataclass(frozen=True)
class Both:
    """What is typed alike at both."""

    typed: Words
    by: str = "tess"


@dataclass(frozen=True)
class Slip:
    """A mistake: what was meant, what was typed, and how it is put right."""

    what: str
    wrong: Words
    right: Words | None = None
    """None where it should never have been typed."""
    mend: Words = ()
    """The options of `handrail correct`; none where it is taken back."""
    by: str = "tess"
    mender: str = "dana"
    of: str = "{e}"
    """The stream, as it is typed."""


def on(day: str) -> str:
    """The clock is sent ahead to the morning of a day."""
    return day


def said(text: str) -> Words:
    """An answer to each purpose of a check-in."""
    return tuple(part for p in PURPOSES for part in ("--answer", f"{p}={text}"))


JOY = ("--for", "joy-{e}", "--evidence", "mail of today")
Told = str | Both | Slip

STORY: list[Told] = [
    # The registry, the directory, the opening.
    Slip("an LEA's name", ("lea", "register", "{e}", "{N} Unfied", "--county", "Manzanita",
                           "--kind", "school_district"),
         ("lea", "register", "{e}", "{N} Unified", "--county", "Manzanita",
          "--kind", "school_district"), ("--name", "{N} Unified"), of="lea:{e}"),
    Slip("an LEA's kind", ("lea", "change", "{e}", "--kind", "charter_school"), of="lea:{e}"),
    Slip("an LEA's county", ("lea", "change", "{e}", "--county", "Kern"), of="lea:{e}"),
    Slip("another LEA's alias", ("lea", "alias", "add", "{e}", "The Elms"), of="lea:{e}"),
    Slip("a recess", ("lea", "recess", "{e}", "ski week", "--first", "2054-09-14",
                      "--last", "2054-09-18"),
         ("lea", "recess", "{e}", "ski week", "--first", "2055-02-15", "--last", "2055-02-19"),
         ("--first", "2055-02-15", "--last", "2055-02-19"), of="lea:{e}"),
    Slip("a day on which it works", ("lea", "works", "{e}", "--on", "2054-11-11"), of="lea:{e}"),
    Slip("a fact about it", ("lea", "fact", "{e}", "enrolment", "3220", "--source", "Dashboard",
                             "--as-of", "2054-07-01"),
         ("lea", "fact", "{e}", "enrolment", "2230", "--source", "Dashboard",
          "--as-of", "2054-07-01"), ("--value", "2230"), of="lea:{e}"),
    Slip("somebody's name", ("person", "register", "joy-{e}", "Jo of {N}", "--email",
                             "joy@{e}.example", "--organisation", "{e}"),
         ("person", "register", "joy-{e}", "Joy of {N}", "--email", "joy@{e}.example",
          "--organisation", "{e}"), ("--name", "Joy of {N}"), of="person:joy-{e}"),
    Slip("where somebody works",
         ("person", "register", "elena-{e}", "Elena of {N}", "--email", "elena@{e}.example",
          "--organisation", "elm"),
         ("person", "register", "elena-{e}", "Elena of {N}", "--email", "elena@{e}.example",
          "--organisation", "{e}"), ("--organisation", "{e}"), of="person:elena-{e}"),
    Slip("that somebody leaves", ("person", "leave", "joy-{e}", "--on", "2054-08-10"),
         of="person:joy-{e}"),
    Slip("the day of the opening",
         ("engagement", "open", "{e}", "--lead", "marcus", "--director", "dana", "--contact",
          "joy-{e}", "--superintendent", "elena-{e}", "--on", "2054-08-04"),
         ("engagement", "open", "{e}", "--lead", "marcus", "--director", "dana", "--contact",
          "joy-{e}", "--superintendent", "elena-{e}", "--on", "2054-07-28"),
         ("--on", "2054-07-28")),
    Slip("who is the assistant", ("engagement", "assign", "{e}", "assistant", "lionel"),
         ("engagement", "assign", "{e}", "assistant", "tess"), ("--person", "tess")),
    # Recruiting and the agreement.
    *(Both(("conversation", "log", "{e}", g), "marcus") for g in
      ("board", "superintendent", "union-president", "principals", "ed-services")),
    Slip("a conversation's group", ("conversation", "log", "{e}", "parents"),
         ("conversation", "log", "{e}", "students"), ("--group", "students")),
    Both(("conversation", "log", "{e}", "parents"), "marcus"),
    Slip("a conversation's day", ("conversation", "log", "{e}", "board", "--on", "2054-08-03"),
         ("conversation", "log", "{e}", "board", "--on", "2054-07-30"), ("--on", "2054-07-30")),
    Slip("a conversation with another LEA", ("conversation", "log", "{e}", "students",
                                              "--note", "said elsewhere")),
    Slip("a student group's year",
         ("eligibility", "row", "{e}", "--school-year", "2051-52", "--student-group",
          "Foster youth", "--criterion", "red"),
         ("eligibility", "row", "{e}", "--school-year", "2050-51", "--student-group",
          "Foster youth", "--criterion", "red"), ("--school-year", "2050-51")),
    Slip("a readiness",
         ("readiness", "judge", "{e}", "--willing", "yes", "--able", "yes", "--basis", "visits"),
         ("readiness", "judge", "{e}", "--willing", "yes", "--able", "partly", "--basis",
          "visits"), ("--able", "partly"), by="marcus"),
    Slip("an answer about fit",
         ("fit", "decide", "{e}", "--proceed", *YES, "--answer", "commitment=yes"),
         ("fit", "decide", "{e}", "--proceed", *YES, "--answer", "commitment=partly"),
         ("--answer", "agreement=yes", "--answer", "underserved=yes", "--answer",
          "commitment=partly"), by="marcus"),
    Both(("agreement", "draft", "{e}", "--on", "2054-08-03")),
    Slip("an agreement that nobody wants", ("agreement", "draft", "{e}", "--kind",
                                            "data-sharing")),
    Slip("a board's vote",
         ("agreement", "act", "{e}", "lea", "approved", "--on", "2054-08-04", "--vote", "4-1"),
         ("agreement", "act", "{e}", "lea", "approved", "--on", "2054-08-04", "--vote", "5-0"),
         ("--vote", "5-0")),
    Slip("the day of a board's act",
         ("agreement", "act", "{e}", "ccee", "approved", "--on", "2054-08-04"),
         ("agreement", "act", "{e}", "ccee", "approved", "--on", "2054-08-03"),
         ("--on", "2054-08-03")),
    # What is agreed.
    Slip("a deliverable's title",
         ("deliverable", "propose", "{e}", "Theroy of action", "--due", "2054-10-02"),
         ("deliverable", "propose", "{e}", "Theory of action", "--due", "2054-10-02"),
         ("--title", "Theory of action"), by="marcus"),
    Slip("a deliverable's day",
         ("deliverable", "propose", "{e}", "Data teams", "--due", "2054-11-09"),
         ("deliverable", "propose", "{e}", "Data teams", "--due", "2054-10-09"),
         ("--due", "2054-10-09"), by="marcus"),
    Both(("deliverable", "sign", "{e}", "D1"), "marcus"),
    Slip("who signed", ("deliverable", "sign", "{e}", "D1", "--for", "elena-{e}", "--evidence",
                        "mail"),
         ("deliverable", "sign", "{e}", "D1", "--for", "joy-{e}", "--evidence", "mail"),
         ("--for", "joy-{e}")),
    Both(("deliverable", "sign", "{e}", "D2"), "marcus"),
    Slip("a signature that was another's", ("deliverable", "sign", "{e}", "D2", *JOY)),
    Slip("another date asked for",
         ("deliverable", "redate", "{e}", "D1", "--due", "2054-10-16", "--reason", "r")),
    Slip("a visit's people",
         ("contact", "log", "{e}", "--kind", "visit", "--purpose", "coaching", "--with",
          "joy-{e}"),
         ("contact", "log", "{e}", "--kind", "visit", "--purpose", "coaching", "--with",
          "joy-{e}", "--with", "elena-{e}"), ("--with", "joy-{e}", "--with", "elena-{e}")),
    Slip("a risk's level",
         ("risk", "raise", "{e}", "--kind", "politics", "--level", "high", "--reason", "votes"),
         ("risk", "raise", "{e}", "--kind", "politics", "--level", "medium", "--reason", "votes"),
         ("--level", "medium"), by="marcus"),
    Slip("somebody on the team", ("team", "add", "{e}", "joy-{e}", "--role", "teacher")),
    Slip("an investment's amount",
         ("investment", "add", "{e}", "--amount", "9000", "--purpose", "coaching"),
         ("investment", "add", "{e}", "--amount", "900", "--purpose", "coaching"),
         ("--amount", "900"), by="dana"),
    Slip("another LEA's investment",
         ("investment", "add", "{e}", "--amount", "700", "--purpose", "books"), by="dana"),
    Slip("a focus", ("focus", "set", "{e}", "Raeding"), ("focus", "set", "{e}", "Reading"),
         ("--text", "Reading"), by="marcus"),
    Slip("a target",
         ("measure", "add", "{e}", "Teams that meet", "--kind", "leading", "--target", "21",
          "--better", "higher"),
         ("measure", "add", "{e}", "Teams that meet", "--kind", "leading", "--target", "12",
          "--better", "higher"), ("--target", "12")),
    Both(("cycle", "open", "{e}", "Exit tickets", "--prediction", "8 of 10"), "marcus"),
    Slip("what a cycle tried", ("cycle", "do", "{e}", "C1", "--tried", "in ten classes"),
         ("cycle", "do", "{e}", "C1", "--tried", "in two classes"),
         ("--tried", "in two classes")),
    Slip("a leader who does not leave",
         ("leader", "leave", "{e}", "elena-{e}", "--last", "2054-12-31")),
    Slip("a hold", ("engagement", "hold", "{e}", "--reason", "smoke"), by="marcus"),
    Slip("a withdrawal", ("engagement", "withdraw", "{e}", "--reason", "wrong id", "--sure"),
         by="marcus"),
    # The review.
    Both(("sir", "open", "{e}", "--framework", "sir-12@2019"), "marcus"),
    Slip("how evidence was found",
         ("evidence", "log", "{e}", "culture", "--method", "interview", "--group", "schools"),
         ("evidence", "log", "{e}", "culture", "--method", "walk", "--group", "schools"),
         ("--method", "walk")),
    Slip("another LEA's evidence",
         ("evidence", "log", "{e}", "culture", "--method", "walk", "--group", "parents")),
    Slip("a finding", ("sir", "finding", "{e}", "culture", "--need", "more time"),
         ("sir", "finding", "{e}", "culture", "--need", "time together"),
         ("--need", "time together"), by="marcus"),
    # A summit.
    Both(("summit", "invite", "Y1-1", "{e}")),
    Slip("who comes to a summit", ("summit", "register", "Y1-1", "{e}", "--places", "teacher=3"),
         ("summit", "register", "Y1-1", "{e}", "--places", "teacher=2"),
         ("--places", "teacher=2")),
    Slip("what was promised there",
         ("summit", "commitment", "add", "Y1-1", "{e}", "Share it", "--due", "2054-12-01"),
         ("summit", "commitment", "add", "Y1-1", "{e}", "Share it", "--due", "2054-12-10"),
         ("--due", "2054-12-10")),
    on("2054-09-22"),
    Slip("a submission by whom",
         ("deliverable", "submit", "{e}", "D1", "--for", "elena-{e}", "--evidence", "mail"),
         ("deliverable", "submit", "{e}", "D1", "--for", "joy-{e}", "--evidence", "mail"),
         ("--for", "joy-{e}")),
    Slip("an acceptance", ("deliverable", "accept", "{e}", "D1"), by="marcus"),
    Slip("a visit's day",
         ("contact", "log", "{e}", "--kind", "visit", "--purpose", "coaching", "--with",
          "joy-{e}"),
         ("contact", "log", "{e}", "--kind", "visit", "--purpose", "coaching", "--with",
          "joy-{e}", "--on", "2054-09-21"), ("--on", "2054-09-21")),
    Slip("a visit to another LEA",
         ("contact", "log", "{e}", "--kind", "teleconference", "--purpose", "coaching", "--with",
          "joy-{e}")),
    Both(("survey", "ask", "{e}", "--due", "2054-10-30", "--hours", "2"), "marcus"),
    Slip("a survey's figures",
         ("survey", "record", "{e}", "--survey", "1", "--on", "2054-09-22", "--result",
          "coaching=4.3/28"),
         ("survey", "record", "{e}", "--survey", "1", "--on", "2054-09-22", "--result",
          "coaching=3.4/28"), ("--result", "coaching=3.4/28")),
    Slip("a check-in held by typing the verb",
         ("checkin", "hold", "{e}", "--on", "2054-09-22", "--with", "joy-{e}"), by="marcus"),
    Slip("a check-in's day",
         ("checkin", "hold", "{e}", "--on", "2054-09-22", "--with", "joy-{e}"),
         ("checkin", "hold", "{e}", "--on", "2054-09-21", "--with", "joy-{e}"),
         ("--on", "2054-09-21"), by="marcus"),
    Slip("an answer in a check-in", ("checkin", "close", "{e}", *said("Typed wrongly.")),
         ("checkin", "close", "{e}", *said("As they said it.")), said("As they said it."),
         by="marcus"),
    Slip("an end", ("engagement", "close", "{e}", "--reason", "wrong id", "--sure"), by="marcus"),
    on("2054-10-20"),
]  # fmt: skip

SLIPS = [step for step in STORY if isinstance(step, Slip)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    installation = Installation(tmp_path_factory.mktemp("mistakes") / "handrail data")
    installation.home.mkdir()
    installation.run("up", "--sandbox", "--detach")
    desk = Desk(installation)
    desk.clock("2054-08-04")
    desk.do(
        "init", "--name", "Direct technical assistance", "--agency", "The Collaborative",
        "--sender", "handrail@collaborative.example", "--director", "dana",
        "--director-name", "Dana Whitfield", "--director-email", "dana@collaborative.example",
    )  # fmt: skip
    for handle, name, role in (("marcus", "Marcus Oyelaran", "lead"),
                               ("tess", "Tess Nguyen", "assistant"),
                               ("lionel", "Lionel Park", "assistant")):  # fmt: skip
        desk.do("person", "register", handle, name, "--role", role, "--email",
                f"{handle}@collaborative.example", by="dana")  # fmt: skip
    desk.do("lea", "register", "elm", "Elm Unified")
    desk.do("summit", "plan", "Y1-1", "--title", "First summit", "--first", "2054-11-12",
            "--last", "2054-11-13", "--place", "Fresno", "--registration-due", "2054-11-04",
            "--hours", "2")  # fmt: skip
    told(desk)
    yield desk
    installation.end()


def typed(words: Sequence[str], lea: str) -> list[str]:
    return [word.format(e=lea, N=lea.title()) for word in words]


def mistaken(desk: Desk, slip: Slip) -> None:
    """A mistake made, found in the history by what it says, looked at, and put right."""
    stream = slip.of.format(e=SLIPPED)
    known = {r.get("version") for r in desk.ask("history", stream, "--json").lines}
    desk.do(*typed(slip.wrong, SLIPPED), by=slip.by)
    entry = next(r["version"] for r in desk.rows("history", stream) if r["version"] not in known)
    mend = ["correct" if slip.mend else "retract", stream, str(entry)]
    mend += [*typed(slip.mend, SLIPPED), "--reason", "a slip"]
    assert "Nothing is written" in desk.done(*mend, "--dry-run", by=slip.mender).said
    desk.do(*mend, by=slip.mender)


def told(desk: Desk) -> None:
    """The story, at both LEAs."""
    for step in STORY:
        if isinstance(step, str):
            desk.clock(step)
            continue
        right = step.typed if isinstance(step, Both) else step.right
        if right is not None:
            desk.do(*typed(right, RIGHT), by=step.by)
        if isinstance(step, Both):
            desk.do(*typed(step.typed, SLIPPED), by=step.by)
        else:
            mistaken(desk, step)


def alike(value: Any, *, without: frozenset[str] = frozenset()) -> Any:
    """An answer without what tells the two LEAs apart."""
    if isinstance(value, dict):
        return {k: alike(v, without=without) for k, v in value.items() if k not in without}
    if isinstance(value, list):
        return [alike(v, without=without) for v in value]
    if isinstance(value, str):
        return value.replace(SLIPPED, RIGHT).replace(SLIPPED.title(), RIGHT.title())
    return value


PLACES = frozenset({"version", "position", "recorded_at", "at", "n", "id", "person"})
"""Where something stands in the record, when it was typed, and ids made by chance."""


def went(rows: list[Any]) -> list[Any]:
    """Answers without the reminders that were planned while it was wrong, and went to nobody."""
    for row in rows:
        if "reminders" in row:
            row["reminders"] = [r for r in row["reminders"] if r["outcome"] != "suppressed"]
    return rows


VIEWS: dict[str, Words] = {
    "the engagement": ("engagement", "show", "{e}"),
    "the LEA": ("lea", "show", "{e}"),
    "the list of deliverables": ("deliverable", "list", "{e}"),
    "the steps": ("step", "list", "{e}"),
    "the burden": ("burden", "show", "{e}"),
    "the review": ("sir", "show", "{e}"),
    "the surveys": ("survey", "show", "{e}"),
    "the team": ("team", "show", "{e}"),
    "the focus": ("focus", "show", "{e}"),
    "the packet": ("lead", "packet", "{e}"),
    "Joy": ("person", "show", "joy-{e}"),
    "Elena": ("person", "show", "elena-{e}"),
}


def test_forty_mistakes_at_least_are_made_and_one_for_every_noun_of_the_work() -> None:
    assert len(SLIPS) >= 40
    assert len({slip.what for slip in SLIPS}) == len(SLIPS)
    nouns = {slip.wrong[0] for slip in SLIPS}
    assert nouns >= {
        "lea", "person", "engagement", "conversation", "eligibility", "readiness", "fit",
        "agreement", "deliverable", "contact", "risk", "team", "investment", "focus", "measure",
        "cycle", "leader", "evidence", "sir", "summit", "survey", "checkin",
    }  # fmt: skip


def test_once_mended_all_is_as_if_it_had_been_right_from_the_start(desk: Desk) -> None:
    for what, view in VIEWS.items():
        right, slipped = (
            went([alike(r, without=PLACES) for r in desk.rows(*typed(view, lea))])
            for lea in (RIGHT, SLIPPED)
        )
        assert slipped == right, what
    for what, view in {
        "what is owed": ("due",),
        "the list of engagements": ("engagement", "list"),
        "the investments": ("investment", "list"),
        "the directory": ("person", "list"),
    }.items():
        rows = desk.rows(*view)
        at_both = [
            sorted(
                json.dumps(alike(r, without=PLACES), sort_keys=True)
                for r in rows
                if lea in json.dumps(r)
            )
            for lea in (RIGHT, SLIPPED)
        ]
        assert at_both[0] == at_both[1] != [], what

    def ledger(lea: str) -> list[Any]:
        rows = desk.rows("ledger", lea)
        kept = ("item", "round", "step", "planned_for", "due", "outcome", "reason")
        return sorted(
            json.dumps([*(r.get(k) for k in kept), sorted(alike(r["to"]))])
            for r in rows
            if r["outcome"] in ("sent", "planned")
        )

    assert ledger(SLIPPED) == ledger(RIGHT)
    assert ledger(RIGHT)

    def mails(lea: str) -> list[str]:
        numbers = [m.number for m in desk.mails(f"joy@{lea}.example")]
        texts = [desk.do("mail", "show", str(n)) for n in numbers]
        body = [t.partition("Hello ")[2].replace(SLIPPED, RIGHT) for t in texts]
        return [t.replace(SLIPPED.title(), RIGHT.title()) for t in body]

    eventually(lambda: len(mails(SLIPPED)) == len(mails(RIGHT)) > 0, 30, "the mails")
    assert mails(SLIPPED) == mails(RIGHT)
    verified = desk.done("admin", "verify").said
    assert "are intact" in verified, verified


def test_what_was_known_before_it_was_mended_is_still_known_as_it_was(desk: Desk) -> None:
    marks = [r for r in desk.rows("history", SLIPPED) if r["type"] == "entry-mended"]
    assert len(marks) >= 30
    said = desk.do("history", SLIPPED)
    assert "Theroy of action" in said
    assert said.count("[corrected by") + said.count("[taken back by") >= 30

"""Questions and commands as scripts and people use them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from tests.embedded.support import Installation, eventually
from tests.end_to_end.conftest import TODAY, Answer, E, Handrail

HISTORY_KEYS = {
    "position", "stream", "version", "type", "effective_at", "recorded_at", "actor", "command_id",
    "data", "mended_by",
}  # fmt: skip
LEDGER_KEYS = {
    "planned_for", "item", "round", "step", "outcome", "reason", "at", "to", "deliveries",
}  # fmt: skip


def test_history_is_one_object_a_line(desk: Handrail) -> None:
    events = desk("history", E, "--json").lines
    assert all(event.keys() == HISTORY_KEYS for event in events)
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "engagement-opened"
    assert len({event["position"] for event in events}) == len(events)


def test_the_ledger_is_one_object_a_notice(desk: Handrail) -> None:
    notices = desk("ledger", E, "--item", "D1", "--json").lines
    assert all(notice.keys() == LEDGER_KEYS for notice in notices)
    assert [n["step"] for n in notices] == ["t-14", "t-3", "due", "+1", "+5", "+10"]


def test_the_ledger_says_why_nobody_is_reminded_of_what_is_only_proposed(desk: Handrail) -> None:
    answer = desk("ledger", E, "--item", "d2")
    assert answer.code == 0, answer.said
    assert "No reminders were planned for D2: it is proposed and not signed" in answer.said
    assert desk("ledger", E, "--item", "D2", "--json").lines == []


def test_the_ledger_of_somebody_whom_nothing_reminds_shows_where_the_rest_is(
    desk: Handrail,
) -> None:
    said = desk("ledger", E, "--person", "tess").out
    assert "Reminders of alder-creek-usd to tess: none." in said
    assert f"See those of everybody: handrail ledger {E}" in said


def test_what_is_owed_comes_soonest_first(desk: Handrail) -> None:
    owed = desk("due", "--json").lines
    dated = [o["due"] for o in owed if o["due"]]
    assert dated == sorted(dated)
    [d1] = [o for o in owed if o["item"] == "D1"]
    assert (d1["due"], d1["person"]) == ("2054-09-25", "joy")


def test_as_known_is_what_had_been_entered_by_then(desk: Handrail) -> None:
    desk("conversation", "log", E, "parents", "--on", "2054-07-15", actor="marcus")
    before = desk("history", E, "--as-known", "2054-08-03", "--json").lines
    assert before == []
    true_then = desk("history", E, "--as-true", "2054-07-15", "--json").lines
    assert [e["type"] for e in true_then] == ["conversation-logged"] * len(true_then)
    assert true_then
    shown = desk("engagement", "show", E, "--as-known", TODAY)
    assert "As known on Tue 4 Aug 2054" in shown.out


def test_two_people_opening_the_same_engagement_open_one(
    desk: Handrail, installation: Installation
) -> None:
    lea = f"harbor-{uuid4().hex[:6]}"
    assert (
        desk("lea", "register", lea, f"Harbor Charter {lea}", "--kind", "charter_school").code == 0
    )
    both = [
        subprocess.Popen(
            [installation.python, "-m", "cli.main", "engagement", "open", lea,
             "--lead", "marcus", "--director", "dana"],
            env={**installation.environment, "HANDRAIL_ACTOR": actor},
            cwd=installation.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for actor in ("tess", "dana")
    ]  # fmt: skip
    said = [process.communicate(timeout=60) for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    [refusal] = [err for (_, err), process in zip(said, both, strict=True) if process.returncode]
    assert f"{lea} is already there" in refusal
    assert len(desk("history", lea, "--json").lines) == 1


def test_repeating_under_the_same_id_records_once(desk: Handrail) -> None:
    words = (
        "conversation",
        "log",
        E,
        "students",
        "--note",
        "twice",
        "--command-id",
        str(uuid4()),
        "--json",
    )
    first, second = desk(*words, actor="marcus"), desk(*words, actor="marcus")
    assert (first.code, second.code) == (0, 0)
    assert first.lines[0]["version"] == second.lines[0]["version"]


def test_an_import_checks_every_row_before_it_writes_any(desk: Handrail, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    one, two = f"Juniper {uuid4().hex[:6]}", f"Manzanita {uuid4().hex[:6]}"
    good = f"id,name,kind\n{one.lower().replace(' ', '-')},{one},school_district\n"
    file.write_text(good + f"Not A Slug,{two},school_district\n")
    answer = desk("lea", "import", str(file))
    assert answer.code == 1
    assert "'Not A Slug'" in answer.out
    assert "nothing was written" in answer.err
    assert one not in desk("lea", "list").out

    file.write_text(good + f"{two.lower().replace(' ', '-')},{two},school_district\n")
    dry = desk("lea", "import", str(file), "--dry-run")
    assert dry.code == 0
    assert "would be recorded" in dry.out
    assert one not in desk("lea", "list").out

    assert desk("lea", "import", str(file)).code == 0
    again = desk("lea", "import", str(file), "--json")
    assert again.code == 0
    assert {row["outcome"] for row in again.lines} == {"recorded before"}
    assert {one, two} <= {row["name"] for row in desk("lea", "list", "--json").lines}


def test_a_mistake_that_only_the_rules_see_is_found_before_anything_is_written(
    desk: Handrail, tmp_path: Path
) -> None:
    name = f"Willow Unified {uuid4().hex[:6]}"
    slug = name.lower().replace(" ", "-")
    file = tmp_path / "twice.yaml"
    file.write_text(f"- {{id: {slug}, name: {name}}}\n- {{id: {slug}-2, name: {name}}}\n")
    answer = desk("lea", "import", str(file))
    assert answer.code == 1
    assert "already belongs" in answer.out
    assert "or add --skip-refused to write the others" in answer.err
    assert name not in desk("lea", "list").out
    skipped = desk("lea", "import", str(file), "--skip-refused")
    assert skipped.code == 1, "a refused row is never silent"
    assert "refused. Correct them and repeat." in skipped.err, "the others are written"
    assert name in desk("lea", "list").out


@pytest.mark.parametrize(
    ("variable", "value", "part"),
    [
        pytest.param("DATABASE_URL", "postgresql://x@127.0.0.1:1/x", "127.0.0.1:1", id="database"),
        pytest.param("TEMPORAL_ADDRESS", "127.0.0.1:1", "Temporal at 127.0.0.1:1", id="temporal"),
    ],
)  # fmt: skip
def test_a_server_that_is_away_is_named_within_five_seconds(
    desk: Handrail, variable: str, value: str, part: str
) -> None:
    began = time.monotonic()
    answer = desk("conversation", "log", E, "parents", actor="marcus", **{variable: value})
    assert time.monotonic() - began < 8, "five seconds, and what a busy machine adds"
    assert answer.code == 3
    assert part in answer.err
    assert "handrail doctor" in answer.err
    assert "othing was sent" in answer.err


def test_what_was_accepted_is_not_lost(desk: Handrail, installation: Installation) -> None:
    """The record is held up for longer than anybody waits; it is carried out all the same."""
    command_id = str(uuid4())
    words = ("conversation", "log", E, "board", "--note", command_id, "--command-id", command_id)

    async def meanwhile() -> Answer:
        connection = await asyncpg.connect(installation.record()["owner_database_url"])
        async with connection.transaction():
            await connection.execute("lock table es.events in access exclusive mode")
            answer = await asyncio.to_thread(desk, *words, actor="marcus")
        await connection.close()
        return answer

    held_up = asyncio.run(meanwhile())
    assert held_up.code == 4
    assert "Accepted, still working" in held_up.err
    assert f"--command-id {command_id}" in held_up.err
    assert desk(*words, actor="marcus").code == 0
    events = desk("history", E, "--json").lines
    assert [e["command_id"] for e in events].count(command_id) == 1


def test_without_a_living_worker_nothing_is_accepted(
    desk: Handrail, installation: Installation
) -> None:
    [worker] = [p["pid"] for p in installation.json("status")["parts"] if p["name"] == "Worker"]
    command_id = str(uuid4())
    words = ("conversation", "log", E, "board", "--note", command_id, "--command-id", command_id)
    os.kill(worker, signal.SIGSTOP)
    try:
        began = time.monotonic()
        hung = desk(*words, actor="marcus")
        assert time.monotonic() - began < 8
        eventually(lambda: "no worker is running" in desk(*words, actor="marcus").err, 20)
    finally:
        os.kill(worker, signal.SIGCONT)
    assert hung.code == 4
    # Sent before anybody could know that nobody would take it.
    assert "Not known whether it was accepted" in hung.err
    assert f"--command-id {command_id}" in hung.err
    eventually(lambda: desk(*words, actor="marcus").code == 0, 20)
    events = desk("history", E, "--json").lines
    assert [e["command_id"] for e in events].count(command_id) == 1


def test_a_sandbox_whose_worker_was_killed_goes_on_where_it_was(
    desk: Handrail, installation: Installation
) -> None:
    """Its Temporal keeps what the dead worker had for that worker alone, so it is made anew."""
    command_id = str(uuid4())
    words = ("conversation", "log", E, "board", "--note", command_id, "--command-id", command_id)
    assert desk("conversation", "log", E, "board", "--note", "before", actor="marcus").code == 0
    before = installation.json("clock")["now"]
    [worker] = [p["pid"] for p in installation.json("status")["parts"] if p["name"] == "Worker"]
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: desk(*words, actor="marcus").code == 0, 30)
    events = desk("history", E, "--json").lines
    assert [e["command_id"] for e in events].count(command_id) == 1
    assert installation.json("clock")["now"] > before


def test_help_needs_no_engine(installation: Installation) -> None:
    code = (
        "import sys\n"
        "from cli.main import main\n"
        "try: main(['deliverable', 'sign', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'temporalio', 'asyncpg', 'sqlalchemy', 'alembic'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [installation.python, "-c", code],
        env=installation.environment,
        cwd=installation.root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Who at the LEA signed" in done.stdout


def test_whatever_is_shown_of_an_illustrative_engagement_says_so(desk: Handrail) -> None:
    lea = f"willow-{uuid4().hex[:6]}"
    assert desk("lea", "register", lea, f"Willow {lea}", "--kind", "school_district").code == 0
    opened = desk(
        "engagement", "open", lea, "--lead", "marcus", "--director", "dana", "--illustrative"
    )
    assert opened.code == 0, opened.said
    for group in ("board", "superintendent", "union-president", "principals", "ed-services",
                  "parents", "students"):  # fmt: skip
        desk("conversation", "log", lea, group, "--illustrative", actor="marcus")
    desk(
        "fit", "decide", lea, "--proceed", "--answer", "agreement=yes", "--illustrative",
        "--answer", "underserved=yes", "--answer", "commitment=yes", actor="marcus",
    )  # fmt: skip
    desk("agreement", "draft", lea, "--illustrative")
    for board in ("lea", "ccee"):
        desk("agreement", "act", lea, board, "approved", "--on", TODAY, "--illustrative")
    for question in (
        ("engagement", "show", lea), ("engagement", "list"), ("history", lea), ("ledger", lea),
        ("due", "--engagement", lea), ("contact", "list", lea), ("cycle", "list", lea),
        ("consultancy", "list", lea), ("dosage", lea),
    ):  # fmt: skip
        answer = desk(*question)
        assert answer.code == 0, answer.said
        assert "illustrative" in answer.out.casefold(), question
    assert all(e["data"]["illustrative"] for e in desk("history", lea, "--json").lines)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    "typed",
    [
        ["history", E],
        ["ledger", E],
        ["rehearse", E],
        ["engagement", "show", E],
        ["engagement", "list"],
        ["deliverable", "list"],
        ["calendar", "export", E],
        ["conversation", "log", E, "board"],
        ["engagement", "show", "nobody-usd"],
    ],
    ids=" ".join,
)
def test_nobody_has_to_read_an_answer_to_its_end(
    desk: Handrail, typed: list[str], as_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = [*typed, "--json"] if as_json else typed
    read = desk(*typed)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as gone, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", gone)
        unread = desk(*typed)
    assert unread.code == read.code
    assert unread.err == read.err if not as_json else unread.err == ""

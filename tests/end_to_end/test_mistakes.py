"""Mistakes as people make them at a desk: noticed, looked at, put right."""

import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.embedded.support import Installation
from tests.end_to_end.conftest import E, Handrail


def entry(desk: Handrail, kind: str) -> str:
    """The number of the last entry with an event of a type."""
    found = [e["version"] for e in desk("history", E, "--json").lines if e["type"] == kind]
    return str(found[-1])


def test_a_deliverable_proposed_by_mistake_is_taken_back_and_nothing_is_left_of_it(
    desk: Handrail,
) -> None:
    before = desk("due", "--json").lines
    proposed = desk(
        "deliverable", "propose", E, "Not for Alder Creek", "--due", "2054-11-13", "--hours", "2"
    )
    assert proposed.code == 0, proposed.said
    version = entry(desk, "deliverable-proposed")

    looked = desk("retract", E, version, "--reason", "another LEA", "--dry-run")
    assert "Nothing is written" in looked.said
    assert "Not for Alder Creek" in looked.out
    assert desk("retract", E, version, "--reason", "another LEA").code == 0

    assert desk("due", "--json").lines == before
    assert "Not for Alder Creek" not in desk("engagement", "show", E).out
    marked = desk("history", E).out
    assert "[taken back by" in marked
    assert "Not for Alder Creek" in marked


def test_what_was_typed_wrongly_is_typed_again_as_the_command_takes_it(desk: Handrail) -> None:
    logged = desk("conversation", "log", E, "parents", "--note", "loud")
    assert logged.code == 0, logged.said
    version = entry(desk, "conversation-logged")

    unknown = desk("correct", E, version, "--groop", "students", "--reason", "typed parents")
    assert unknown.code == 2
    assert "--group" in unknown.said
    refused = desk("correct", E, version, "--group", "nobody", "--reason", "typed parents")
    assert refused.code == 1
    assert "nobody" in refused.said
    right = desk("correct", E, version, "--group", "students", "--reason", "typed parents")
    assert right.code == 0, right.said
    assert "students" in right.out
    assert "parents" in right.out

    undone = desk("undo")
    assert undone.code == 1
    assert "is a correction" in undone.said


def test_one_s_own_last_entry_is_undone_and_nobody_else_s(desk: Handrail) -> None:
    assert desk("conversation", "log", E, "board", "--note", "again", actor="marcus").code == 0
    count = len(desk("history", E, "--json").lines)

    assert desk("undo", actor="marcus").code == 0

    after = desk("history", E, "--json").lines
    assert after[count]["type"] == "entry-mended"
    assert after[count]["data"]["entry"] == count
    assert desk("retract", E, "9999", "--reason", "x").code == 1
    assert desk("retract", E, "none", "--reason", "x").code == 2


def test_what_ends_something_says_what_and_is_not_done_unasked(desk: Handrail) -> None:
    before = desk("history", E, "--json").out
    for end in (("engagement", "withdraw"), ("engagement", "close")):
        asked = desk(*end, E, "--reason", "over", actor="dana")
        assert asked.code == 2, asked.said
        assert "Open until then: " in asked.said
        assert "Measures" in asked.said, "D2, by its title"
        assert "reminders will not be sent" in asked.said
        assert "add --yes" in asked.said
    erased = desk("person", "erase", "joy", "--reason", "request", actor="dana")
    assert erased.code == 1, "she is the LEA's contact"
    assert desk("history", E, "--json").out == before


def test_at_a_terminal_it_is_asked_and_no_is_no(desk: Handrail, installation: Installation) -> None:
    end = ("engagement", "withdraw", E, "--reason", "over")
    command = [str(installation.python), "-m", "cli.main", *end]
    environment = {**installation.environment, "HANDRAIL_ACTOR": "dana"}
    for typed, code in (("n", 0), ("", 0)):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            cwd=installation.root,
        )
        os.close(theirs)
        said = ""
        while "[y/N]" not in said:
            said += os.read(ours, 10_000).decode()
        os.write(ours, f"{typed}\n".encode())
        with suppress(OSError):  # The other side has closed it.
            while True:
                said += os.read(ours, 10_000).decode()
        assert process.wait() == code
        os.close(ours)
        assert "Open until then" in said
        assert "Nothing was recorded" in said
    assert (
        "onboarding" in desk("engagement", "show", E).out
        or "partnering" in desk("engagement", "show", E).out
    )


def test_an_engagement_withdrawn_by_mistake_is_under_way_again(desk: Handrail) -> None:
    assert (
        desk("lea", "register", "mist-creek", "Mist Creek", "--kind", "school_district").code == 0
    )
    opened = desk("engagement", "open", "mist-creek", "--lead", "marcus", "--director", "dana")
    assert opened.code == 0, opened.said
    ended = desk(
        "engagement", "withdraw", "mist-creek", "--reason", "wrong id", "--yes", actor="marcus"
    )
    assert ended.code == 0, ended.said

    for typed, actor in ((("undo",), "marcus"), (("engagement", "reopen", "mist-creek", "--reason",
                                                   "the wrong id"), "dana")):  # fmt: skip
        assert desk(*typed, actor=actor).code == 0
        again = desk("engagement", "reopen", "mist-creek", "--reason", "x", actor="dana")
        assert again.code == 1
        assert "neither closed nor withdrawn" in again.said
        ended = desk("engagement", "withdraw", "mist-creek", "--reason", "r", "--yes",
                     actor="marcus")  # fmt: skip
        assert ended.code == 0, ended.said
    assert desk("undo", actor="marcus").code == 0

    assert "recruiting" in desk("engagement", "show", "mist-creek").out
    logged = desk("conversation", "log", "mist-creek", "board", actor="marcus")
    assert logged.code == 0, logged.said


def test_rows_of_a_file_that_end_something_are_asked_about(desk: Handrail, tmp_path: Path) -> None:
    assert desk("lea", "register", "end-creek", "End Creek Unified").code == 0
    opened = desk("engagement", "open", "end-creek", "--lead", "marcus", "--director", "dana")
    assert opened.code == 0, opened.said
    file = tmp_path / "ends.csv"
    file.write_text(
        "command,engagement,group,reason\nconversation log,end-creek,board,\n"
        "engagement withdraw,end-creek,,vacancy\n"
    )
    assert desk("import", str(file), "--dry-run", actor="marcus").code == 0
    before = desk("history", "end-creek", "--json").out
    asked = desk("import", str(file), actor="marcus")
    assert asked.code == 2
    assert "Row 3 ends something: Engagement withdrawn while recruiting: vacancy" in asked.err
    assert "nothing was written" in asked.err
    assert "--yes" in asked.err
    assert desk("history", "end-creek", "--json").out == before
    assert desk("import", str(file), "--yes", actor="marcus").code == 0
    assert "withdrawn" in desk("engagement", "show", "end-creek").out


def test_a_history_is_read_by_months_and_narrowed_by_whatever_is_known(desk: Handrail) -> None:
    said = desk("history", E).out
    assert said.startswith("August 2054\n   1  2054-08-04 ")
    assert "reminders planned" not in said
    assert "reminders planned" in desk("history", E, "--reminders").out

    def kinds(*narrowed: str) -> set[str]:
        return {r["type"] for r in desk("history", E, *narrowed, "--json").lines}

    assert kinds("--subject", "agreements") == {
        "agreement-drafted", "board-acted", "agreement-effective"
    }  # fmt: skip
    about = desk("history", E, "--item", "d1", "--subject", "deliverables", "--json").lines
    assert {"deliverable-proposed", "deliverable-signed", "deliverable-agreed"} <= {
        r["type"] for r in about
    }
    assert {r["data"]["deliverable"] for r in about} == {"D1"}
    assert kinds("--kind", "fit-decided", "--person", "marcus") == {"fit-decided"}
    assert kinds("--kind", "fit-decided", "--person", "joy") == set()
    assert "Fit decided" in desk("history", E, "--text", "FIT DECIDED: p").out
    assert desk("history", E, "--last", "2054-08-03").out == "Nothing of the kind is recorded.\n"
    assert kinds("--first", "2054-08-04", "--last", "2054-08-04") == kinds()
    for wrong, way_out in (
        (("--subject", "agreement"), "Did you mean agreements"),
        (("--kind", "fit-decidet"), "Did you mean fit-decided"),
        (("--person", "nobody-here"), "handrail person list"),
    ):
        refused = desk("history", E, *wrong)
        assert refused.code == 1
        assert way_out in refused.said

"""A server of `handrail up` that is killed runs again, up to a limit that people see."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from bootstrap.settings import load_settings
from embedded import keeping
from embedded.home import StackRecord
from embedded.keeping import Kept
from embedded.supervisor import Stack
from tests.embedded.support import OURS, Installation, eventually, part

# A whole stack, whose every part is killed in turn.
pytestmark = pytest.mark.timeout(300)

FIRST = (
    "init --name P --agency A --sender h@example.org "
    "--director dana --director-name Dana --director-email d@example.org"
)


@pytest.fixture
async def stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Installation]:
    """A stack whose supervisor waits a moment only, and starts nothing again twice."""
    monkeypatch.setattr(keeping, "PAUSES", (0.1,))
    monkeypatch.setattr(keeping, "ENDS_AT_MOST", 1)
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    here = Installation(tmp_path / "data", more={"HANDRAIL_ACTOR": "dana"})
    settings = load_settings({"HANDRAIL_HOME": str(here.home)}, use_stack=False)
    said: list[str] = []
    ready: asyncio.Future[StackRecord] = asyncio.get_running_loop().create_future()
    supervisor = Stack(settings, sandbox=request.param == "sandbox", say=said.append)
    running = asyncio.create_task(supervisor.run(ready.set_result))
    either: set[Any] = {running, ready}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    assert ready.done(), said
    yield here
    supervisor.stop()
    assert await running == 0
    assert here.is_gone(), here.processes()


def killed(here: Installation, name: str) -> int:
    pid = part(here.record(), name)["pid"]
    os.kill(pid, signal.SIGKILL)
    return int(pid)


def runs_again(here: Installation, name: str, former: int) -> dict[str, Any]:
    def other() -> bool:
        now = part(here.record(), name)
        return now["pid"] not in (None, former) and now["restarts"] > 0

    eventually(other, 60, f"{name} runs again")
    return part(here.record(), name)


def is_missed(here: Installation, name: str) -> bool:
    """Whether every command says that a part is away, and comes back."""
    said = f"{name} ended by itself with status 137, and is being started again"
    return any(said.lower() in alarm.lower() for alarm in here.record()["alarms"])


def recorded(here: Installation, command: str) -> None:
    """A command is answered in the end, however often it must be repeated under its id."""
    again = [*command.split(), "--command-id", str(uuid4())]
    answers: list[str] = []

    def done() -> bool:
        answer = here.run(*again, code=None)
        answers.append(answer.stdout + answer.stderr)
        assert "Traceback" not in answers[-1]
        assert answer.returncode in (0, 3), answers
        return answer.returncode == 0

    eventually(done, 60, f"{command}: {answers}")


def kill_each_in_turn(here: Installation) -> None:
    recorded(here, FIRST)
    before = here.record()
    for number, name in enumerate(("PostgreSQL", "Temporal", "Mail catcher"), 1):
        former = killed(here, name)
        eventually(partial(is_missed, here, name), 20, f"{name} is missed")
        now = runs_again(here, name, former)
        assert now["where"] == part(before, name)["where"], "on the port it had"
        recorded(here, f"lea register lea-{number} Number-{number} --kind school_district")
        status = here.run("status")
        assert f"{now['pid']}, started again" in status.stdout
        assert "Alarm" not in status.stderr
    assert "3 LEAs" in here.run("lea", "list").stdout
    assert psutil.Process(part(before, "Worker")["pid"]).is_running(), "it waited for them"

    killed(here, "Mail catcher")
    eventually(lambda: here.record()["alarms"], 20, "given up")
    for asked in (
        "status",
        "due",
        "lea register lea-4 Number-4 --kind school_district",
        "person change Dana --digest weekly",
    ):
        answer = here.run(*asked.split())
        assert answer.stderr.count("Alarm:") == 1, answer.stderr
        assert "Alarm: The mail catcher ended 2 times" in answer.stderr, asked
        assert "`handrail up`" in answer.stderr
    findings = here.json("doctor", code=3)["findings"]
    [found] = [f for f in findings if f["part"] == "Stack"]
    assert "not started again" in found["seen"]
    assert "handrail down" in found["remedy"]


@pytest.mark.parametrize("stack", ["production"], indirect=True)
async def test_each_server_that_is_killed_runs_again_and_its_limit_is_told_everywhere(
    stack: Installation,
) -> None:
    await asyncio.to_thread(kill_each_in_turn, stack)


def kill_the_clock(here: Installation) -> None:
    recorded(here, FIRST)
    here.run("clock", "to", "2054-08-03")
    former = killed(here, "Temporal (time skips)")
    # At once: nothing of what a library says reaches whoever sends the clock ahead now.
    ahead = here.run("clock", "advance", "1d", code=None)
    assert ahead.returncode in (0, 3)
    for word in ("h2", "protocol error", "transport", "Traceback", "tcp connect"):
        assert word not in ahead.stderr
    runs_again(here, "Temporal (time skips)", former)
    assert here.json("clock")["local"] >= "2054-08-03"
    recorded(here, "lea register lea-1 Number-1 --kind school_district")


@pytest.mark.parametrize("stack", ["sandbox"], indirect=True)
async def test_a_sandbox_whose_clock_is_killed_goes_on_from_its_day(stack: Installation) -> None:
    await asyncio.to_thread(kill_the_clock, stack)


def test_a_server_is_given_up_after_its_limit_and_a_worker_never() -> None:
    server, worker = Kept("PostgreSQL"), Kept("The worker", for_ever=True)
    for kept in (server, worker):
        for pause in keeping.PAUSES[: keeping.ENDS_AT_MOST]:
            assert f"again in {pause:.0f} s" in kept.ended("ended", Path("/x.log"))
            assert kept.alarm is not None
            assert "ended, and is being started again. Its log is /x.log" in kept.alarm
            assert kept.due is not None
            kept.started()
            assert kept.alarm is None
    assert server.restarts == keeping.ENDS_AT_MOST
    assert server.restarted_at is not None
    assert server.restarted_at <= datetime.now(UTC)

    assert "is not started again" in server.ended("ended", Path("/x.log"))
    assert not server.is_kept
    assert server.due is None
    worker.ended("ended", Path("/x.log"))
    assert worker.is_kept
    assert worker.due is not None
    assert worker.alarm is not None
    assert "/x.log" in worker.alarm


def test_what_ended_long_ago_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept("Temporal")
    now = 0.0
    monkeypatch.setattr("embedded.keeping.time.monotonic", lambda: now)
    for _ in range(20):
        assert "again in 1 s" in kept.ended("ended", Path("/x.log"))
        now += keeping.WITHIN_SECONDS + 1
        assert kept.is_due
        kept.started()
    assert kept.alarm is None

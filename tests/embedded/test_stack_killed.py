"""`handrail up` when its end is not a good one."""

import os
import shutil
import signal
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.embedded.support import (
    NOBODY,
    Installation,
    Make,
    eventually,
    installation_for_everybody,
    is_running,
    told,
)

# Whole stacks, started and ended several times: many seconds each on a busy machine.
pytestmark = pytest.mark.timeout(300)


def test_a_sandbox_keeps_its_clock_when_it_is_killed(installation: Make) -> None:
    here = installation()
    here.umask = 0
    (here.home / "logs").mkdir(parents=True, mode=0o700)
    here.home.chmod(0o700)
    (here.home / "logs" / "worker.log").write_text("as an earlier version left it\n")
    here.run("up", "--detach", "--sandbox")
    record = here.record()
    assert not here.open_to_others()
    began = datetime.fromisoformat(here.json("clock")["now"])
    assert abs(began - datetime.now(UTC)) < timedelta(minutes=1)

    advanced = here.json("clock", "advance", "2w3d")
    assert advanced["sandbox"]
    moved = datetime.fromisoformat(advanced["now"]) - began
    assert timedelta(days=17) <= moved < timedelta(days=17, minutes=1)

    wanted = (began + timedelta(days=900)).date()
    told = here.run("clock", "to", f"{wanted}T08:30")
    assert f"{wanted} 08:30 America/Los_Angeles" in told.stdout, "as handrail init will have it"
    assert "There is no program yet" in told.stderr
    back = here.run("clock", "to", f"{wanted}T07:30", code=1)
    assert f"cannot go back: it is {wanted} 08:30 America/Los_Angeles" in back.stderr
    assert "not a duration" in here.run("clock", "advance", "soon", code=2).stderr
    assert "not a date" in here.run("clock", "to", "2054-02-30", code=2).stderr

    os.kill(record["pid"], signal.SIGKILL)
    # At once: what the killed one left is still ending.
    here.run("up", "--detach", "--sandbox")
    assert here.json("clock")["local"].startswith(f"{wanted}T08:30")
    assert not {pid for pid in servers(record) if is_running(pid)}

    here.run("down")
    assert here.is_gone(), here.processes()

    refused = here.run("up", "--detach", code=1)
    assert "a sandbox stays one for ever" in refused.stderr
    assert "up --sandbox" in refused.stderr
    assert here.is_gone()


def servers(record: dict[str, Any]) -> set[int]:
    return {part["pid"] for part in record["parts"] if part["pid"]}


def test_an_interrupted_start_leaves_nothing_behind(installation: Make) -> None:
    here = installation()
    up = here.start("up")
    told(up, "starting Temporal")
    os.killpg(up.pid, signal.SIGINT)
    # As when it is heard by a child that has not yet become its program.
    time.sleep(0.05)
    os.kill(up.pid, signal.SIGINT)
    _, said = up.communicate(timeout=40)
    assert up.returncode == 0
    assert "Traceback" not in said
    assert here.is_gone(), here.processes()


@pytest.mark.skipif(
    os.geteuid() != 0, reason="the other tests prove it: they run as an ordinary user already"
)
def test_an_ordinary_user_runs_it_and_a_kill_leaves_nothing_behind() -> None:
    # Not in tmp_path, which is closed to everybody but root.
    place = Path(tempfile.mkdtemp(dir="/tmp", prefix="handrail-"))
    place.chmod(0o755)
    try:
        python, root, more = installation_for_everybody(place)
        home = place / "nobody's own" / "data"
        home.parent.mkdir()
        os.chown(home.parent, NOBODY, NOBODY)
        here = Installation(home, python=python, root=root, user=NOBODY, more=more)
        try:
            here.run("up", "--detach")
            record = here.record()
            running = here.processes()
            assert {psutil.Process(pid).uids().effective for pid in running} == {NOBODY}
            assert servers(record) < running.keys()

            os.kill(record["pid"], signal.SIGKILL)
            eventually(here.is_gone, 30, "everything ended")
            assert "Nothing is running" in here.run("status", code=3).stderr
        finally:
            here.end()

        # The data of one user are not quietly taken over by another, root least of all.
        other = Installation(home)
        assert "belongs to user id 65534" in other.run("up", "--detach", code=3).stderr
    finally:
        shutil.rmtree(place)

"""The units for service managers: well formed, and what they start really starts."""

import configparser
import plistlib
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.embedded.support import Installation, told

DEPLOY = ROOT / "deploy"
HANDRAIL = ROOT / ".venv/bin/handrail"


def unit(name: str) -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read_string((DEPLOY / name).read_text("utf-8"))
    return found


def agent() -> dict[str, object]:
    with (DEPLOY / "handrail.plist").open("rb") as file:
        return dict(plistlib.load(file))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("name", ["handrail.service", "handrail-worker.service"])
def test_systemd_finds_nothing_wrong_with_a_unit(name: str, tmp_path: Path) -> None:
    # Its programs lie elsewhere here: everything else must be right.
    text = (DEPLOY / name).read_text("utf-8")
    program = shlex.split(unit(name)["Service"]["ExecStart"])[0]
    copy = tmp_path / name
    copy.write_text(text.replace(program, "/bin/true"), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, timeout=60
    )
    assert [line for line in done.stderr.splitlines() if name in line] == []


def test_a_service_gives_the_stack_the_time_it_needs_to_end() -> None:
    for name in ("handrail.service", "handrail-worker.service"):
        service = unit(name)["Service"]
        assert service["KillSignal"] == "SIGTERM"
        assert service["UMask"] == "0077"
    assert unit("handrail.service")["Service"]["TimeoutStopSec"] == "90"
    assert int(unit("handrail-worker.service")["Service"]["TimeoutStopSec"]) > 15
    found = agent()
    assert found["ExitTimeOut"] == 90
    assert found["Umask"] == 0o077
    assert found["KeepAlive"] == {"SuccessfulExit": False}


def test_the_worker_is_started_as_its_page_says() -> None:
    program, *arguments = shlex.split(unit("handrail-worker.service")["Service"]["ExecStart"])
    assert program.endswith("/.venv/bin/python")
    assert arguments == ["-m", "worker"]


@pytest.mark.timeout(120)
def test_what_both_units_start_runs_in_the_foreground_and_ends_well_when_told(
    tmp_path: Path,
) -> None:
    program, *arguments = shlex.split(unit("handrail.service")["Service"]["ExecStart"])
    mac = agent()["ProgramArguments"]
    assert isinstance(mac, list)
    assert Path(program).name == Path(mac[0]).name == HANDRAIL.name
    assert mac[1:] == arguments == ["up"]
    here = Installation(tmp_path / "data")
    # No terminal, no environment but what the unit gives, as a service manager starts it.
    running = here.start(*arguments)
    told(running, "Following the logs")
    running.send_signal(signal.SIGTERM)
    _, rest = running.communicate(timeout=90)
    assert running.returncode == 0, rest
    assert here.is_gone(), here.processes()

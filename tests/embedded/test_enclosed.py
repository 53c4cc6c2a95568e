"""The time-skipping server, which knows no password, is reached from this machine alone."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from temporalio.client import Client

from bootstrap.clock import SandboxClock
from embedded import temporal
from embedded.process import StartError
from embedded.temporal import sandbox_temporal, start_sandbox_temporal, why_not_enclosed
from tests.conftest import ROOT
from tests.embedded.support import eventually, is_running

LINUX = pytest.mark.skipif(why_not_enclosed() is not None, reason=str(why_not_enclosed()))

ELSEWHERE = "192.0.2.7"
"""An address for examples (RFC 5737), given to this machine within a network of the test's own."""

FROM_ANOTHER_ADDRESS = f"""
import fcntl, json, os, socket, struct, sys
from pathlib import Path
from embedded import enclosed, temporal

enclosed.enclose()
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    address = struct.pack("16sH2x4s8x", b"lo:1", socket.AF_INET, socket.inet_aton("{ELSEWHERE}"))
    fcntl.ioctl(any_socket, 0x8916, address)

def reached(port):
    found = []
    for source in ("127.0.0.1", "{ELSEWHERE}"):
        with socket.socket() as probe:
            probe.settimeout(5)
            found.append(probe.connect_ex((source, port)) == 0)
    return found

told = {{}}
for name in ("enclosed", "open"):
    if name == "open":
        os.environ["HANDRAIL_TRUST_NETWORK"] = "yes"
        temporal.why_not_enclosed = lambda: "tried without"
    with temporal.sandbox_temporal(Path(sys.argv[1]) / name) as server:
        told[name] = reached(int(server.address.rpartition(":")[2]))
print(json.dumps(told))
"""


@LINUX
def test_whoever_comes_from_another_address_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FROM_ANOTHER_ADDRESS, tmp_path],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["open"] == [True, True], "or the test shows nothing"
    assert told["enclosed"] == [True, False]


@LINUX
async def test_what_is_enclosed_works_and_ends_with_its_leash(tmp_path: Path) -> None:
    async with sandbox_temporal(tmp_path) as server:
        inner = psutil.Process(server.process.pid).children()
        assert len(inner) == 1
        for _ in range(20):
            client = await Client.connect(server.address)
            assert (await SandboxClock(client).now()).year >= 2026
    await asyncio.to_thread(eventually, lambda: not is_running(inner[0].pid))

    server = await asyncio.to_thread(start_sandbox_temporal, tmp_path)
    [inside] = psutil.Process(server.process.pid).children()
    psutil.Process(server.process.pid).kill()
    await asyncio.to_thread(eventually, lambda: not is_running(inside.pid), 15, "ends with it")
    server.process.stop()

    server = await asyncio.to_thread(start_sandbox_temporal, tmp_path)
    [inside] = psutil.Process(server.process.pid).children()
    inside.kill()
    await asyncio.to_thread(eventually, lambda: server.process.exit_code() == 137)
    server.process.stop()


def test_where_it_cannot_be_enclosed_somebody_must_say_that_the_network_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal, "why_not_enclosed", lambda: "Operation not permitted")
    monkeypatch.delenv("HANDRAIL_TRUST_NETWORK", raising=False)
    with pytest.raises(StartError, match=r"listens on every interface.*--trust-network") as no:
        start_sandbox_temporal(tmp_path)
    assert "HANDRAIL_TRUST_NETWORK=yes" in str(no.value)
    assert "Operation not permitted" in str(no.value)
    monkeypatch.setenv("HANDRAIL_TRUST_NETWORK", "no")
    with pytest.raises(StartError, match="listens on every interface"):
        start_sandbox_temporal(tmp_path)

"""Each of our own commands in docker-compose.yml, run as the file runs it, without containers.

The environment is the file's, word for word; only the names of the other containers are
replaced by the addresses of real servers on this machine, and mounted secrets by files.
"""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedded.mailcatcher import mail_catcher
from embedded.postgres import APP, OWNER, READER, SUPERUSER, postgres_cluster
from embedded.temporal import dev_temporal
from tests.deploy.compose import ROOT, Service, example_variables, interpolate, service

NAMESPACE = "compose"
STOP_SECONDS = 15.0

pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True)
class Host:
    """The machine a `docker compose up` would run on."""

    directory: Path
    variables: dict[str, str]
    """What `.env` would say."""
    addresses: dict[str, str]
    """Container and port, as the file writes them, to what listens here."""

    def environment(self, each: Service) -> dict[str, str]:
        found = {}
        for name, text in each.environment.items():
            value = interpolate(text, self.variables)
            for there, here in self.addresses.items():
                value = value.replace(there, here)
            found[name] = value.replace("/run/secrets", str(self.directory / "secrets"))
        home = self.directory / "home" / each.name
        home.mkdir(parents=True, exist_ok=True)
        # What the image sets: the interpreter, and a home of its own.
        return found | {
            "HOME": str(home),
            "HANDRAIL_HOME": str(home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
        }

    def start(self, each: Service, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            as_here(command),
            cwd=self.directory,
            env=self.environment(each),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, each: Service, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            as_here(command),
            cwd=self.directory,
            env=self.environment(each),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )


def as_here(command: list[str]) -> list[str]:
    """The file's command with this interpreter; `handrail` as its console script starts it."""
    match command:
        case ["python", *arguments]:
            return [sys.executable, *arguments]
        case ["handrail", *arguments]:
            start = "from cli.main import run; run()"
            return [sys.executable, "-c", start, *arguments]
        case _:
            raise AssertionError(f"not a command of ours: {command}")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    directory = tmp_path_factory.mktemp("host with spaces")
    key = base64.b64encode(os.urandom(32)).decode()
    (directory / "secrets").mkdir()
    (directory / "secrets/handrail_key").write_text(key, "ascii")
    with (
        postgres_cluster(directory / "postgres", durable=False) as postgres,
        dev_temporal(directory / "temporal") as temporal,
        mail_catcher(directory / "mail") as mail,
    ):
        yield Host(
            directory,
            variables=example_variables()
            | {
                "HANDRAIL_POSTGRES_PASSWORD": postgres.passwords[SUPERUSER],
                "HANDRAIL_OWNER_PASSWORD": postgres.passwords[OWNER],
                "HANDRAIL_APP_PASSWORD": postgres.passwords[APP],
                "HANDRAIL_READER_PASSWORD": postgres.passwords[READER],
                "HANDRAIL_KEY": key,
                # A new one: `prepare-temporal` has to make it.
                "TEMPORAL_NAMESPACE": NAMESPACE,
            },
            addresses={
                "postgres:5432": f"127.0.0.1:{postgres.port}",
                "temporal:7233": temporal.address,
                "mail:1025": f"127.0.0.1:{mail.port}",
            },
        )


@pytest.fixture(scope="module")
def prepared(host: Host) -> Host:
    """After both one-shot services ended well, as the worker's `depends_on` demands."""
    for name in service("worker").dependencies:
        if service(name).is_one_shot:
            each = service(name)
            result = host.run(each, each.spec["command"])
            assert result.returncode == 0, f"{name}: {result.stdout}"
    return host


@pytest.fixture
def worker(prepared: Host) -> Iterator[subprocess.Popen[str]]:
    each = service("worker")
    process = prepared.start(each, each.spec["command"])
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def healthcheck(host: Host, *, succeeds: bool, within_seconds: float = 60) -> str:
    """Ask as Compose asks, again and again, until the answer is the expected one."""
    each = service("worker")
    deadline = time.monotonic() + within_seconds
    while True:
        result = host.run(each, each.spec["healthcheck"]["test"][1:])
        if (result.returncode == 0) is succeeds:
            return result.stdout
        assert time.monotonic() < deadline, result.stdout


@pytest.mark.parametrize("name", ["migrate", "prepare-temporal"])
def test_a_one_shot_service_may_run_at_every_start(prepared: Host, name: str) -> None:
    each = service(name)
    result = prepared.run(each, each.spec["command"])
    assert result.returncode == 0, result.stdout


async def test_the_namespace_and_the_search_attributes_are_there_afterwards(
    prepared: Host,
) -> None:
    from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
    from temporalio.client import Client

    client = await Client.connect(prepared.addresses["temporal:7233"], namespace=NAMESPACE)
    answer = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=NAMESPACE)
    )
    ours = {name for name in answer.custom_attributes if name.startswith("Handrail")}
    assert ours == {
        "HandrailProgram",
        "HandrailPhase",
        "HandrailLead",
        "HandrailCounty",
        "HandrailLeaType",
        "HandrailNextDue",
    }


def test_the_worker_becomes_healthy_and_stops_in_time(
    prepared: Host, worker: subprocess.Popen[str]
) -> None:
    healthcheck(prepared, succeeds=True)
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=STOP_SECONDS)
    assert worker.returncode == 0, output


def test_without_a_worker_the_healthcheck_fails(prepared: Host) -> None:
    healthcheck(prepared, succeeds=False)


def test_no_secret_is_printed(prepared: Host, worker: subprocess.Popen[str]) -> None:
    said = healthcheck(prepared, succeeds=True)
    worker.send_signal(signal.SIGTERM)
    said += worker.communicate(timeout=STOP_SECONDS)[0]
    for name in ("migrate", "prepare-temporal"):
        said += prepared.run(service(name), service(name).spec["command"]).stdout
    secrets = {
        name: value
        for name, value in prepared.variables.items()
        if name.endswith(("_PASSWORD", "_KEY")) and value
    }
    assert secrets
    assert [name for name, value in secrets.items() if value in said] == []

"""`handrail up` from its start to its end, on real servers."""

import contextlib
import os
import signal
import smtplib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from embedded.mailcatcher import mail_catcher
from embedded.ports import ASKED_BY, NAMES, USUAL_PORTS, moved
from embedded.postgres import postgres_cluster, run_sql
from embedded.process import free_port, run_apart
from embedded.temporal import dev_temporal
from tests.embedded.support import (
    Installation,
    Make,
    eventually,
    part,
    told,
)

# Whole stacks, started and ended several times: many seconds each on a busy machine.
pytestmark = pytest.mark.timeout(300)


def _hold(port: int, over: threading.Event) -> None:
    """Hold a port until it is over; one that somebody else holds, as soon as they let it go."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        while not over.is_set():
            with contextlib.suppress(OSError):
                taken.bind(("127.0.0.1", port))
                taken.listen()
                break
            over.wait(0.05)
        over.wait()


@pytest.fixture
def usual_ports_taken() -> Iterator[None]:
    over = threading.Event()
    with ThreadPoolExecutor(len(USUAL_PORTS)) as holders:
        for port in USUAL_PORTS.values():
            holders.submit(_hold, port, over)
        try:
            yield
        finally:
            over.set()


def leave_traces(record: dict[str, Any]) -> None:
    """Something in the database, something that waits in Temporal, and a mail."""
    run_sql(record["owner_database_url"], "create schema kept; create table kept.x as select 1")

    async def wait_for_ever() -> None:
        client = await Client.connect(record["temporal_address"])
        await client.start_workflow("Waits", id="kept", task_queue="nobody")

    run_apart(wait_for_ever)
    with smtplib.SMTP("127.0.0.1", int(record["smtp_url"].rsplit(":", 1)[1]), timeout=5) as server:
        server.sendmail("handrail@example.org", "lead@example.org", "Subject: kept\n\nText.\n")


def find_traces(installation: Installation) -> None:
    record = installation.record()
    assert run_sql(record["owner_database_url"], "select count(*) from kept.x").strip() == "1"

    async def still_waits() -> WorkflowExecutionStatus | None:
        client = await Client.connect(record["temporal_address"])
        return (await client.get_workflow_handle("kept").describe()).status

    assert run_apart(still_waits) is WorkflowExecutionStatus.RUNNING
    assert "kept" in installation.run("mail", "list").stdout


def test_it_runs_on_free_ports_starts_again_where_it_stopped_and_ends_at_ctrl_c(
    installation: Make, usual_ports_taken: None
) -> None:
    here = installation()
    here.umask = 0o022

    up = here.run("up", "--detach")
    assert up.stdout.count("Part ") == 1, "one table of what runs where"
    for name, port in USUAL_PORTS.items():
        assert f"{NAMES[name]} listens on port" in up.stderr
        assert f"{port}, which it usually has, is taken" in up.stderr
        assert ASKED_BY[name] in up.stderr
    record = here.record()
    status = here.json("status")
    assert status["parts"] == record["parts"]
    for name in ("Temporal", "PostgreSQL", "Mail catcher", "Worker"):
        assert str(part(status, name)["pid"]) in up.stdout
    secrets = (record["database_url"], record["owner_database_url"])
    assert not any(secret in up.stdout + up.stderr for secret in secrets)
    assert (here.home / "stack.json").stat().st_mode & 0o077 == 0

    second = here.run("up", "--detach", code=1)
    assert f"already running on {here.home}: process {record['pid']}, since" in second.stderr
    assert "handrail down" in second.stderr
    assert "Traceback" not in second.stderr

    doctor = {f["part"]: f["state"] for f in here.json("doctor")["findings"]}
    assert doctor.pop("Actor") == doctor.pop("Mail") == "attention"
    for said in (up.stdout, here.run("status").stdout, here.run("doctor").stdout):
        assert "no mail leaves this machine" in said
    assert set(doctor.values()) == {"ok"}

    leave_traces(record)
    assert not here.open_to_others()
    here.run("down")
    assert here.is_gone()
    assert "handrail up" in here.run("status", code=3).stderr

    foreground = here.start("up")
    said = told(foreground, "Following the logs")
    again = here.record()
    assert again["pid"] == foreground.pid
    assert again["temporal_address"] == record["temporal_address"], "ports are remembered"
    assert "is taken" not in said, "what moved once is not told again"
    assert again["database_url"] == record["database_url"]
    find_traces(here)

    worker = part(again, "Worker")["pid"]
    os.kill(worker, signal.SIGKILL)
    said += told(foreground, "worker_started")
    eventually(lambda: part(here.record(), "Worker")["pid"] != worker, what="another worker")

    # As the terminal does it: to the whole group.
    os.killpg(foreground.pid, signal.SIGINT)
    shown, rest = foreground.communicate(timeout=40)
    assert foreground.returncode == 0, said + rest
    assert "Part " in shown
    assert rest.rstrip().endswith("stopped")
    assert "Traceback" not in said + rest
    assert here.is_gone(), here.processes()
    assert not (here.home / "stack.json").exists()


def test_a_part_that_lost_its_port_says_to_whom_and_who_must_be_told() -> None:
    said = moved("postgresql", 52149, 5432, before=True, holder="postgres, process 17")
    assert said.startswith(
        "PostgreSQL listens on port 5432: 52149, which it had last time, is taken by postgres, "
        "process 17."
    )
    assert "(a spreadsheet, a backup)" in said


def test_real_services_are_used_and_not_started(installation: Make, tmp_path: Path) -> None:
    with (
        postgres_cluster(tmp_path / "postgres", durable=False) as database,
        dev_temporal(tmp_path / "temporal", namespace="office") as temporal,
        mail_catcher(tmp_path / "mail") as mail,
    ):
        here = installation(
            DATABASE_URL=database.app_url(),
            HANDRAIL_OWNER_DATABASE_URL=database.owner_url(),
            TEMPORAL_ADDRESS=temporal.address,
            TEMPORAL_NAMESPACE="office",
            SMTP_URL=mail.smtp_url,
        )
        refused = here.run("up", "--detach", "--sandbox", code=1)
        assert "TEMPORAL_ADDRESS" in refused.stderr

        here.run("up", "--detach")
        shown = here.record()
        for name in ("Temporal", "PostgreSQL", "Mail"):
            assert not part(shown, name)["ours"]
        ours = [psutil.Process(pid).name() for pid in here.processes()]
        assert not {"postgres", "temporal"} & set(ours)
        states = {f["part"]: f["state"] for f in here.json("doctor")["findings"]}
        assert states["Workers"] == states["Temporal"] == states["PostgreSQL"] == "ok"
        here.end()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "postgresql://app:hunter2@127.0.0.1:{port}/handrail"),
        ("TEMPORAL_ADDRESS", "127.0.0.1:{port}"),
    ],
)
def test_a_real_service_that_is_away_is_named(
    variable: str, value: str, installation: Make
) -> None:
    here = installation(**{variable: value.format(port=free_port())})
    away = here.run("up", "--detach", code=3)
    assert variable in away.stderr
    assert "hunter2" not in away.stderr
    assert "Traceback" not in away.stderr
    assert here.is_gone()

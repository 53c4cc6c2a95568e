"""A streaming standby in place of the database: it answers questions, and nobody works on it."""

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from bootstrap.settings import Settings
from bootstrap.values import Secret
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded import postgres
from embedded.doctor import examine
from embedded.postgres import Cluster, postgres_cluster
from embedded.process import LOOPBACK, Leashed, free_port
from store.database import open_pool
from store.epochs import ReadOnly, epoch_of
from store.migrations import migrate
from store.vault import Vault
from tests.conftest import MASTER_KEY, FixedClock, Office, eventually
from tests.lives.test_copies import Elsewhere

pytestmark = pytest.mark.slow


@contextmanager
def following(primary: Cluster, data: Path, copy: Path) -> Iterator[Cluster]:
    """A standby that streams from a cluster of which `data` are the files."""
    user = postgres._account(data)
    rule = f"host replication {postgres.SUPERUSER} {LOOPBACK}/32 scram-sha-256\n"
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write(rule)
    postgres.run_sql(primary.superuser_url, "select pg_reload_conf()")
    copy.mkdir(mode=0o700)
    if user:
        os.chown(copy, user.uid, user.gid)
    subprocess.run(
        [
            postgres._binaries(user) / "pg_basebackup", "--pgdata=.", "--write-recovery-conf",
            "--checkpoint=fast", "--no-sync",
        ],
        cwd=copy, env=postgres.libpq_environment(primary.superuser_url), check=True,
        user=user.uid if user else None, group=user.gid if user else None,
        extra_groups=[] if user else None, umask=0o077, timeout=60, capture_output=True,
    )  # fmt: skip
    port = free_port()
    server = Leashed(
        "The standby",
        [
            postgres._binaries(user) / "postgres", "-D", postgres._name_of(copy),
            *postgres._options(port, durable=False),
        ],
        cwd=copy, log=copy.parent / "standby.log", stops=postgres.STOPS,
        env=postgres._environment(), user=user,
    )  # fmt: skip
    try:
        server.wait_until(lambda: postgres._is_ready(copy, server.pid), 30)
        yield Cluster(server, port, primary.passwords)
    finally:
        server.stop()


async def test_a_standby_answers_questions_and_nobody_works_on_it(
    tmp_path: Path, playbook: Playbook, calendar: CalendarPack
) -> None:
    with postgres_cluster(tmp_path / "primary", durable=False) as primary:
        await migrate(primary.owner_url(), sandbox=False)
        pool = await open_pool(primary.app_url())
        office = Office(pool, Vault(MASTER_KEY), FixedClock(datetime.now(UTC)), primary)
        await office.furnish(playbook, calendar)
        async with pool.acquire() as connection:
            first = await epoch_of(connection)
        with following(primary, tmp_path / "primary" / "data", tmp_path / "copy") as standby:
            copied = Elsewhere(standby)
            there = await asyncpg.connect(copied.url)
            assert await there.fetchval("select pg_is_in_recovery()")
            await office.do("lea register", id="streams", name="It streams", type="school_district")
            assert await eventually(
                lambda: there.fetchval("select name from read.leas where id = 'streams'")
            )
            with pytest.raises(ReadOnly, match="Set DATABASE_URL to the database that is written"):
                await epoch_of(there)
            settings = Settings(
                home=tmp_path, database_url=Secret(copied.url), actor="dana",
                key=Secret(base64.b64encode(MASTER_KEY).decode()),
            )  # fmt: skip
            seen = {finding.part: finding for finding in await examine(settings)}
            assert seen["PostgreSQL"].state == "ok"
            assert "a read-only copy" in seen["Life"].seen
            assert seen["Life"].state == "away"
            assert seen["Actor"].state == "ok", "questions are answered"
            await there.close()
        async with pool.acquire() as connection:
            assert (await epoch_of(connection)).id == first.id
        await pool.close()

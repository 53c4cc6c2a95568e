"""What the doctor sees in a database of ours."""

from base64 import b64encode
from pathlib import Path

import pytest

from bootstrap.settings import Settings
from bootstrap.values import Secret
from bootstrap.wiring import services
from embedded.doctor import examine
from embedded.findings import Finding
from embedded.postgres import Cluster
from store.epochs import OldSchema
from tests.conftest import MASTER_KEY, Database, Office


async def keys(home: Path, office: Office, key: bytes | None) -> list[Finding]:
    async with office.pool.acquire() as connection:
        name = await connection.fetchval("select current_database()")
    settings = Settings(
        home=home,
        database_url=Secret(office.cluster.app_url(name)),
        key=None if key is None else Secret(b64encode(key).decode()),
    )
    return [finding for finding in await examine(settings) if finding.part == "Keys"]


async def test_the_key_the_store_began_with_needs_no_word(office: Office, tmp_path: Path) -> None:
    assert await keys(tmp_path, office, MASTER_KEY) == []


async def test_another_key_than_the_one_the_store_began_with_is_told(
    office: Office, tmp_path: Path
) -> None:
    [finding] = await keys(tmp_path, office, MASTER_KEY[::-1])
    assert finding.state == "away"
    assert office.vault.master_id in finding.seen
    assert "HANDRAIL_KEY_FILE" in finding.remedy
    assert b64encode(MASTER_KEY[::-1]).decode() not in finding.seen


async def test_a_missing_key_is_told_once(office: Office, tmp_path: Path) -> None:
    assert await keys(tmp_path, office, None) == []


@pytest.mark.parametrize("key", [MASTER_KEY, MASTER_KEY[::-1]], ids=["one key", "another"])
async def test_an_empty_store_fits_any_key(database: Database, tmp_path: Path, key: bytes) -> None:
    settings = Settings(
        home=tmp_path,
        database_url=Secret(database.url),
        key=Secret(b64encode(key).decode()),
    )
    assert "Keys" not in {finding.part for finding in await examine(settings)}


async def test_a_database_without_a_schema_is_told_and_every_other_part_looked_at(
    cluster: Cluster, tmp_path: Path
) -> None:
    settings = Settings(
        home=tmp_path,
        # Of the application's, who may look at nothing there.
        database_url=Secret(cluster.app_url("postgres")),
        key=Secret(b64encode(MASTER_KEY).decode()),
    )
    found = {finding.part: finding for finding in await examine(settings)}
    assert found["Schema"].seen == "the database holds no Handrail schema"
    assert found["Master key"].state == "ok"
    with pytest.raises(OldSchema, match="holds no Handrail schema"):
        async with services(settings):
            pass

"""The stack without a practice clock: real Temporal with its web page, encryption, versions."""

import asyncio
import urllib.request
from collections.abc import Iterator

import pytest
from temporalio.client import Client

from tests.embedded.support import Installation, eventually

E = "alder-creek-usd"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("production") / "data")
    installation.more["HANDRAIL_ACTOR"] = "dana"
    installation.home.mkdir()
    installation.run("up", "--detach")
    installation.run(
        "init", "--name", "Direct technical assistance", "--agency", "The Collaborative",
        "--sender", "handrail@collaborative.example", "--director", "dana",
        "--director-name", "Dana Whitfield", "--director-email", "dana@collaborative.example",
    )  # fmt: skip
    installation.run(
        "person", "register", "marcus", "Marcus Oyelaran",
        "--email", "marcus@collaborative.example", "--role", "lead",
    )  # fmt: skip
    installation.run("lea", "register", E, "Alder Creek Unified School District")
    installation.run("engagement", "open", E, "--lead", "marcus", "--director", "dana")
    yield installation
    installation.end()


def test_temporal_can_be_searched_and_shows_nobodys_name(office: Installation) -> None:
    record = office.record()

    async def look() -> tuple[int, str]:
        client = await Client.connect(record["temporal_address"])

        async def found() -> int:
            query = 'HandrailPhase = "recruiting" AND HandrailLeaType = "school_district"'
            return (await client.count_workflows(query)).count

        count = 0
        for _ in range(100):
            count = await found()
            if count:
                break
            await asyncio.sleep(0.1)
        [here] = [w async for w in client.list_workflows("WorkflowType = 'Engagement'")]
        assert here.id.startswith(f"engagement:{E}@"), "of this life of this store"
        history = await client.get_workflow_handle(here.id).fetch_history()
        return count, history.to_json()

    count, history = asyncio.run(look())
    assert count == 1
    for word in ("Alder Creek Unified", "Marcus", "marcus", "Dana"):
        assert word not in history


def test_temporals_web_page_answers(office: Installation) -> None:
    with urllib.request.urlopen(office.record()["ui_url"], timeout=10) as page:  # noqa: S310
        assert page.status == 200


def test_a_new_worker_alone_carries_an_open_engagement_on(office: Installation) -> None:
    before = len(office.run("history", E, "--json").stdout.splitlines())
    office.run("down")
    office.run("up", "--detach")
    office.run("engagement", "withdraw", E, "--reason", "superintendent vacancy", "--yes")
    after = office.run("history", E, "--json").stdout.splitlines()
    assert len(after) == before + 1
    eventually(lambda: "withdrawn" in office.run("engagement", "list").stdout)


def test_the_store_is_stamped_by_the_database_and_refuses_a_practice_clock(
    office: Installation,
) -> None:
    refused = office.run("clock", "advance", "14d", code=1)
    assert "sandbox" in refused.stderr
    office.run("down")
    other = office.run("up", "--sandbox", "--detach", code=1)
    assert "production" in other.stderr or "not a sandbox" in other.stderr
    office.run("up", "--detach")

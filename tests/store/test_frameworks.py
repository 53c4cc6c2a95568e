"""A framework is published beside playbooks, found by its name, and pinned by what was opened."""

from typing import Any

import pytest

from domain.policy.playbook import Playbook
from domain.review.review import Review
from domain.rules.registry import fold
from store.events import read_stream
from store.rebuild import rebuild
from tests.conftest import Office, load

E = "alder-creek-usd"


def practice(version: int, *areas: str) -> dict[str, Any]:
    content: dict[str, Any] = load("packs/frameworks/practice-3.yaml")
    return {**content, "version": version, "areas": [{"id": a, "name": a} for a in areas]}


async def opened(office: Office, playbook: Playbook, framework: str) -> Review:
    await office.to_onboarding(playbook)
    await office.do("framework publish", "dana", content=practice(1, "first", "second"))
    await office.do("framework publish", "dana", content=practice(2, "third"))
    await office.do("sir open", "marcus", engagement=E, framework=framework)
    return await review(office)


async def review(office: Office) -> Review:
    async with office.pool.acquire() as connection:
        stream = f"engagement:{E}"
        history = await read_stream(connection, office.vault, stream)
    return fold(stream, history).of(Review)


@pytest.mark.parametrize(
    ("named", "pinned", "areas"),
    [
        ("practice-3@1", "practice-3@1", ["first", "second"]),
        ("practice-3@2", "practice-3@2", ["third"]),
        ("practice-3", "practice-3@2", ["third"]),
    ],
)
async def test_a_review_pins_the_version_it_names_or_the_newest(
    office: Office, playbook: Playbook, named: str, pinned: str, areas: list[str]
) -> None:
    found = await opened(office, playbook, named)
    assert (found.framework, list(found.areas)) == (pinned, areas)


async def test_a_framework_published_later_changes_nothing_in_a_review(
    office: Office, playbook: Playbook
) -> None:
    before = await opened(office, playbook, "practice-3")
    await office.do("framework publish", "dana", content=practice(3, "fourth"))
    await office.do("sir finding", "marcus", engagement=E, area="third", need="Time to plan.")
    after = await review(office)
    assert (after.framework, after.areas) == (before.framework, before.areas)
    assert str(after.findings["third"].need) == "Time to plan."


@pytest.mark.parametrize("named", ["practice-4", "practice-3@9", "practice-3@x", f"x@{'9' * 40}"])
async def test_a_framework_that_is_not_published_is_refused_with_those_that_are(
    office: Office, playbook: Playbook, named: str
) -> None:
    await office.to_onboarding(playbook)
    await office.do("framework publish", "dana", content=practice(1, "first"))
    receipt = await office.refused("sir open", "marcus", engagement=E, framework=named)
    assert receipt.refusal == "Unknown"
    assert "practice-3@1" in receipt.message


async def test_frameworks_and_reviews_are_rebuilt_from_their_events(
    office: Office, playbook: Playbook
) -> None:
    await opened(office, playbook, "practice-3@1")
    query = "select kind, id, version, title, content from read.documents order by 1, 2, 3"
    async with office.pool.acquire() as connection:
        live = await connection.fetch(query)
        await rebuild(connection, office.vault)
        assert await connection.fetch(query) == live
        phase = await connection.fetchval("select phase from read.engagements where id = $1", E)
    assert [r["version"] for r in live if r["kind"] == "framework"] == [1, 2]
    assert phase == "reviewing"


async def test_what_is_said_about_an_lea_lies_sealed_in_the_store(
    office: Office, playbook: Playbook
) -> None:
    await opened(office, playbook, "practice-3@1")
    secret = "Ms Example has held this together"
    await office.do("sir finding", "marcus", engagement=E, area="first", strength=secret)
    await office.do(
        "evidence log", engagement=E, area="first", method="interview", group="Ms Example"
    )
    async with office.pool.acquire() as connection:
        kept = await connection.fetchval("select string_agg(data::text, '') from es.events")
    assert "Example" not in kept

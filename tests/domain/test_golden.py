"""Every payload ever published can still be read: a sample that fails here is a broken promise.

A new event type adds a sample; a sample that is there is never edited.  A new optional field adds
a second sample beside the first, named `type.2.json`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.kernel.messages import Recorded, Stamp, State
from domain.kernel.sealed import sealed_in
from domain.rules.registry import EVENTS, evolve
from tests.domain.story import Story

GOLDEN = Path(__file__).parents[1] / "golden" / "events"
SAMPLES = sorted(GOLDEN.glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_every_event_type_has_a_sample() -> None:
    assert {read(path)["type"] for path in SAMPLES} == set(EVENTS)
    assert {path.name.partition(".")[0] for path in SAMPLES} == set(EVENTS)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_a_published_payload_is_still_read_whole(path: Path) -> None:
    sample = read(path)
    kind = EVENTS[sample["type"]]
    event = kind.model_validate(sample["data"])
    assert sample["schema_version"] <= kind.schema_version
    # Nothing that was said is lost or changed; only fields that came later are added.
    assert kept(sample["data"], event.model_dump(mode="json")) == sample["data"]


def kept(sample: Any, now: Any) -> Any:
    """What is there now of what the sample says, at any depth."""
    if isinstance(sample, dict):
        return {name: kept(value, now[name]) for name, value in sample.items()}
    if isinstance(sample, list) and len(sample) == len(now):
        return [kept(*pair) for pair in zip(sample, now, strict=True)]
    return now


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_every_text_about_somebody_is_found_to_be_sealed(path: Path) -> None:
    sample = read(path)
    event = EVENTS[sample["type"]].model_validate(sample["data"])
    data = event.model_dump(mode="json")
    assert {place for _, _, place in sealed_in(event, data)} == set(texts(data))


def texts(data: Any, place: str = "") -> Iterator[str]:
    """Where such a text stands, by what it looks like."""
    if isinstance(data, dict) and data.keys() == {"about", "text"}:
        yield place
    elif isinstance(data, dict | list):
        for key, inner in data.items() if isinstance(data, dict) else enumerate(data):
            yield from texts(inner, f"{place}/{key}")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_a_published_payload_is_still_folded_and_told(path: Path) -> None:
    sample = read(path)
    event = EVENTS[sample["type"]].model_validate(sample["data"])
    story = Story()
    stream = "engagement:alder-creek-usd"
    stamp = Stamp(stream, 1, story.now, story.now, "p-tess", UUID(int=1), 1)
    # Alone in its stream: an evolver is total, whatever came before or did not.
    assert evolve(State(stream), Recorded(event, stamp)).version == 1
    sentence = event.sentence()
    assert sentence.strip()
    assert "None" not in sentence


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_a_payload_without_its_optional_fields_is_read(path: Path) -> None:
    sample = read(path)
    kind = EVENTS[sample["type"]]
    needed = {name for name, field in kind.model_fields.items() if field.is_required()}
    kind.model_validate({name: sample["data"][name] for name in needed})


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_a_payload_from_a_later_version_is_read(path: Path) -> None:
    sample = read(path)
    later = {**sample["data"], "came_later": {"about": "p-joy", "text": "x"}}
    assert EVENTS[sample["type"]].model_validate(later) == EVENTS[sample["type"]].model_validate(
        sample["data"]
    )


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_what_people_typed_as_a_sentence_ends_with_one_full_stop(path: Path) -> None:
    sample = read(path)
    if sample["type"].startswith("person-"):
        return  # Names and addresses, which nobody types as a sentence.
    event = EVENTS[sample["type"]].model_validate(as_sentences(sample["data"]))
    assert ".." not in event.sentence()


def as_sentences(data: Any) -> Any:
    """The same with a full stop after whatever somebody said."""
    if isinstance(data, dict) and data.keys() == {"about", "text"}:
        return {**data, "text": f"{data['text'].rstrip('.')}."}
    if isinstance(data, dict):
        return {name: as_sentences(value) for name, value in data.items()}
    return [as_sentences(value) for value in data] if isinstance(data, list) else data

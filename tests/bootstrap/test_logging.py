import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bootstrap.logging import configure_logging
from bootstrap.settings import Settings


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging(Settings(home=tmp_path))
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_structlog_and_the_standard_library_write_the_same_kind_of_line(
    lines: io.StringIO,
) -> None:
    structlog.get_logger("handrail").info("notice_sent", engagement="alder-creek-usd")
    logging.getLogger("elsewhere").warning("said %s", "so")
    first, second = (json.loads(line) for line in lines.getvalue().splitlines())
    assert (first["event"], first["engagement"]) == ("notice_sent", "alder-creek-usd")
    assert (second["event"], second["logger"], second["level"]) == (
        "said so",
        "elsewhere",
        "warning",
    )
    assert first["timestamp"].endswith("Z")


def test_what_is_bound_once_is_on_every_line(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(command="0198"):
        structlog.get_logger().info("command_done")
        logging.getLogger("x").info("also")
    assert [json.loads(line)["command"] for line in lines.getvalue().splitlines()] == ["0198"] * 2


def test_ids_of_temporal_arrive_as_fields(lines: io.StringIO) -> None:
    details = {"workflow_id": "alder-creek-usd", "attempt": 2, "namespace": "default"}
    logging.getLogger("temporalio.workflow").info("slept", extra={"temporal_workflow": details})
    line = json.loads(lines.getvalue())
    assert (line["workflow_id"], line["attempt"]) == ("alder-creek-usd", 2)
    assert "namespace" not in line


def test_what_is_below_the_level_is_not_written(lines: io.StringIO) -> None:
    structlog.get_logger().debug("chatter")
    logging.getLogger("x").debug("chatter")
    assert lines.getvalue() == ""


def test_an_exception_stays_on_one_line(lines: io.StringIO) -> None:
    try:
        raise ValueError("no")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines.getvalue().splitlines()
    assert "ValueError: no" in json.loads(line)["exception"]

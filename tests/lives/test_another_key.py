"""Whoever comes with another master key than the store's does not begin to work."""

import base64
from pathlib import Path

import pytest

from domain.envelope import Receipt
from tests.embedded.support import Installation
from tests.lives.conftest import Premises, lea
from tests.lives.test_copies import refuses_to_start

pytestmark = pytest.mark.slow

OTHER = base64.b64encode(bytes(range(100, 132))).decode()


async def test_a_worker_with_another_master_key_says_so_and_holds_nobody_up(
    premises: Premises,
) -> None:
    at = premises
    await at.worker()
    at.key = OTHER
    said = await refuses_to_start(at)
    assert "the store was sealed with" in " ".join(said.split())
    assert "Set HANDRAIL_KEY_FILE to the key this store began with" in said
    assert OTHER not in said
    assert "Traceback" not in said
    [receipt] = await at.submit(at.conversation(lea(0)))
    assert isinstance(receipt, Receipt)
    assert receipt.outcome == "recorded", "by the other one, whom it did not meet"

    for verb in ("recover", "rebuild"):
        code, said = await at.handrail("admin", verb)
        assert (code, "HANDRAIL_KEY_FILE" in said, "Traceback" in said) == (3, True, False), said
    code, said = await at.handrail("doctor")
    assert code == 3
    assert "was sealed with master key" in " ".join(said.split())


def test_a_stack_with_another_master_key_does_not_start(tmp_path: Path) -> None:
    here = Installation(tmp_path / "handrail", more={"HANDRAIL_ACTOR": "dana"})
    here.home.mkdir()
    try:
        here.run("up", "--detach")
        here.run(
            "init", "--name", "Direct technical assistance", "--agency", "The Collaborative",
            "--sender", "handrail@collaborative.example", "--director", "dana",
            "--director-name", "Dana Whitfield", "--director-email", "dana@collaborative.example",
        )  # fmt: skip
        here.run("down")
        other = tmp_path / "other.key"
        other.write_text(OTHER)
        other.chmod(0o600)
        here.more["HANDRAIL_KEY_FILE"] = str(other)
        refused = here.run("up", "--detach", code=3)
        assert "was sealed with" in refused.stderr
        assert "Set HANDRAIL_KEY_FILE to the key this store began with" in refused.stderr
        assert "started again" not in refused.stderr
        assert here.is_gone()
        del here.more["HANDRAIL_KEY_FILE"]
        here.run("up", "--detach")
        here.run("lea", "register", "late-usd", "Late Unified")
    finally:
        here.end()

"""What was answered is answered again by the store alone, also while Temporal is away."""

import asyncio

import pytest

from tests.conftest import new_id
from tests.lives.conftest import Premises, lea

pytestmark = pytest.mark.slow


async def test_a_known_id_has_its_answer_while_temporal_is_away(premises: Premises) -> None:
    at = premises
    await at.worker()
    given = ("conversation", "log", lea(0), "parents", "--command-id", str(new_id()))
    code, first = await at.handrail(*given)
    assert code == 0, first
    await asyncio.to_thread(at.temporal.process.stop)
    code, again = await at.handrail(*given)
    assert code == 0, again
    assert "carried out before" in again
    code, other = await at.handrail(*given[:-1], str(new_id()))
    assert code == 3, other
    assert "does not answer" in other
    assert "Nothing was sent" in " ".join(other.split())
    await at.no_worker()

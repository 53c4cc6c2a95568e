from datetime import date

from domain.playbook import Playbook
from tests.conftest import Office


async def test_the_main_path_is_recorded(office: Office, playbook: Playbook) -> None:
    await office.to_onboarding(playbook)
    d1 = await office.agreed("Theory of action", date(2026, 9, 25))
    assert d1 == "D1"
    async with office.pool.acquire() as c:
        rows = await c.fetch(
            "select step, planned_for, status from read.notices where item='D1' order by planned_for"
        )
        print(rows)
        assert len(rows) == 6

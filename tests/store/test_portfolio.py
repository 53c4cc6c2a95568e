"""The whole portfolio in one go is what its streams say one by one."""

from typing import Any

from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.policy.playbook import Playbook
from domain.program.classification import LeaProfile
from domain.reminders.notices import Notices
from domain.rules.registry import fold
from domain.team.risks import Risks
from store.errors import Unreadable
from store.events import read_each, read_stream
from store.portfolio import LEDGER, members, states
from tests.conftest import Office
from tests.journey import E, whole_journey

ZONE = "America/Los_Angeles"


async def _grown(office: Office, playbook: Playbook) -> None:
    await whole_journey(office, playbook)
    await office.do("lea register", id="elk-grove", name="Elk Grove", type="charter_school")
    await office.do("engagement open", engagement="elk-grove", lea="elk-grove", lead="ruth",
                    director="dana")  # fmt: skip
    await office.do("lea classify", lea="elk-grove", locale="rural", unduplicated="63.20")
    await office.do("engagement withdraw", "dana", engagement="elk-grove", reason="vacancy")


async def test_the_mix_of_today_is_the_mix_as_known_and_as_true_today(
    office: Office, playbook: Playbook
) -> None:
    await _grown(office, playbook)
    async with office.pool.acquire() as connection:

        async def at(**when: Any) -> list[Any]:
            when = {"known_by": None, "true_by": None, "left_out": []} | when
            return await members(connection, zone=ZONE, **when)

        now = await at()
        assert {(m.phase, m.profile.locale) for m in now} >= {("withdrawn", "rural")}
        assert await at(known_by=office.clock.at) == now
        assert await at(true_by=office.clock.at) == now
        assert await at(known_by=office.clock.at.replace(year=2020)) == []


async def test_every_stream_is_read_whatever_the_page(office: Office, playbook: Playbook) -> None:
    await _grown(office, playbook)
    async with office.pool.acquire() as connection:
        wanted = {
            f"engagement:{e}": await read_stream(connection, office.vault, f"engagement:{e}")
            for e in (E, "elk-grove")
        }
        for page in (1, 7, len(wanted[f"engagement:{E}"]), 10_000):
            each = read_each(connection, office.vault, "engagement", page=page)
            assert {stream: history async for stream, history in each} == wanted, page
        bare = read_each(connection, None, "engagement", without=LEDGER)
        less = {stream: history async for stream, history in bare}
    for stream, history in less.items():
        assert not isinstance(history, Unreadable)
        assert [r.event.type for r in history] == [
            r.event.type for r in wanted[stream] if r.event.type not in LEDGER
        ]


async def test_nothing_but_the_ledger_comes_of_its_events(
    office: Office, playbook: Playbook
) -> None:
    await _grown(office, playbook)
    async with office.pool.acquire() as connection:
        found: dict[str, State] = {
            s.stream: s async for s in states(connection, zone=ZONE, left_out=[])
        }
        for stream, bare in found.items():
            whole = fold(stream, await read_stream(connection, office.vault, stream))
            assert bare.of(Engagement).phase == whole.of(Engagement).phase
            assert bare.of(Engagement).roles == whole.of(Engagement).roles
            assert bare.of(Risks).level == whole.of(Risks).level
            assert bare.of(LeaProfile) == whole.of(LeaProfile)
            assert not bare.of(Notices).all
    assert len(found) == 2

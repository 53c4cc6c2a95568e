"""The portfolio: who takes part in which phase, the mix, and who needs a Lead most."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from domain.engagement.state import Engagement
from domain.outlook.mix import Mix, mix
from domain.outlook.triage import Need, in_order, need
from domain.policy.calendar import local_date
from domain.policy.playbook import Playbook
from queries.answers import Answer
from queries.clocks import end_of, not_to_come, zone_of
from queries.names import Names
from queries.source import Source
from store.documents import playbook, program
from store.errors import Unreadable
from store.portfolio import members, states


@dataclass(frozen=True)
class TargetShown(Answer):
    """A target, and how far it is met."""

    target: str
    name: str
    at_least: int
    have: int
    met: bool


@dataclass(frozen=True)
class MixShown(Answer):
    """The LEAs that take part, and the targets of the program."""

    taking_part: int
    left: int
    gone: tuple[str, ...]
    phases: dict[str, int]
    counts: dict[str, dict[str, int]]
    unduplicated: tuple[str, ...]
    targets: tuple[TargetShown, ...]
    illustrative: int


async def mix_of(source: Source, known: date | None, true: date | None) -> Mix:
    """The LEAs that take part beside the targets of the program's playbook."""
    async with source.pool.acquire() as connection:
        settings = await program(connection)
        rules = (
            await playbook(connection, settings.playbook.partition("@")[0]) if settings else None
        )
    zone = ZoneInfo(settings.zone if settings else "UTC")
    await not_to_come(source, zone, known, true)
    async with source.pool.acquire() as connection:
        found = await members(
            connection,
            zone=zone.key,
            known_by=end_of(known, zone) if known else None,
            true_by=end_of(true, zone) if true else None,
            left_out=source.left_out,
        )
    return mix(found, rules.mix if rules else ())


def mix_data(found: Mix) -> MixShown:
    """The mix as a program reads it."""
    return MixShown(
        taking_part=found.taking_part,
        left=found.left,
        gone=tuple(found.gone),
        phases=found.phases,
        counts=found.counts,
        unduplicated=tuple(str(share) for share in found.unduplicated),
        targets=tuple(
            TargetShown(
                target=a.target.id,
                name=a.target.name,
                at_least=a.target.at_least,
                have=a.have,
                met=a.met,
            )
            for a in found.achieved
        ),
        illustrative=found.illustrative,
    )


async def needs_of(source: Source) -> tuple[list[Need], Names, date]:
    """What says who needs a Lead most, most first; Leads by id."""
    needs = []
    known: dict[str, Playbook | None] = {}
    zone = (await zone_of(source)).key
    today = local_date(await source.now(), zone)
    async with source.pool.acquire() as connection:
        async for state in states(connection, zone=zone, left_out=source.left_out):
            ref = state.of(Engagement).playbook
            try:
                if ref not in known:
                    known[ref] = await playbook(connection, ref)
            except Unreadable as sick:
                source.left_out.append(sick.seen_from(state.stream))
                continue
            if found := need(state, known[ref], today):
                needs.append(found)
    names = Names(source)
    await names.learn(*(n.lead for n in needs))
    return in_order(needs), names, today

"""Playbooks: what differs between two, and what an upgrade would do."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from domain.deciding import after, decide_in_full
from domain.journey.upgrade import Preview, preview
from domain.kernel.refusals import Unknown, did_you_mean
from domain.policy.differences import Differences, differences
from domain.policy.playbook import Playbook
from queries.source import Source
from store.database import listed, queries
from store.documents import playbook
from store.events import read_state
from store.resolving import resolve

if TYPE_CHECKING:
    from domain.envelope import Envelope


async def named(source: Source, ref: str) -> Playbook:
    """A published playbook version; the newest where none is named.

    Raises:
        Unknown: It is not published.
    """
    async with source.pool.acquire() as connection:
        found = await playbook(connection, ref.strip())
        if found is not None:
            return found
        rows = await listed(queries.document_refs(connection, kind="playbook"))
    known = [f"{r['id']}@{r['version']}" for r in rows]
    raise Unknown(
        f"The playbook {ref!r} is not published. {did_you_mean(ref, known)}See them all: "
        f"handrail playbook list"
    )


def differences_data(found: Differences) -> dict[str, Any]:
    return {
        "steps": [
            {
                "step": d.step.id,
                "name": d.step.name,
                "tight": d.step.tight,
                "change": d.change,
                "details": list(d.details),
            }
            for d in found.steps
        ],
        "changes": [asdict(change) for change in found.changes],
    }


async def previewed(source: Source, envelope: "Envelope") -> Preview:
    """What an upgrade would do, decided and not recorded.

    Raises:
        Refused: It would not be taken.
    """
    command = envelope.command()
    async with source.pool.acquire() as connection:
        state = await read_state(connection, source.vault, envelope.stream)
        context = await resolve(connection, envelope, command, state, await source.now())
    # Anybody on the staff may look; only a Director may do it.
    looking = replace(context.actor, staff_roles=frozenset({"director"}))
    context = replace(context, actor=looking)
    decided = decide_in_full(command, state, context)
    assert context.other_playbook is not None
    return preview(
        state,
        after(state, decided.own, context),
        [event for event, _ in decided.own],
        context,
        context.other_playbook,
    )


def preview_data(engagement: str, found: Preview) -> dict[str, Any]:
    return {
        "engagement": engagement,
        "before": found.before,
        "to": found.to,
        "steps": [
            {
                "step": s.difference.step.id,
                "name": s.difference.step.name,
                "tight": s.difference.step.tight,
                "change": s.difference.change,
                "details": list(s.difference.details),
                "before": s.before,
                "after": s.after,
            }
            for s in found.steps
        ],
        "changes": [asdict(change) for change in found.changes],
        "owed": [asdict(moved) for moved in found.owed],
        "suppressed": [
            {**notice.model_dump(mode="json"), "reason": why} for notice, why in found.suppressed
        ],
        "planned": [notice.model_dump(mode="json", exclude={"n"}) for notice in found.planned],
        "coming": [
            {"at": fact.at, "type": fact.event.type, "told": fact.event.sentence()}
            for fact in found.coming
        ],
        "undone": list(found.undone),
    }


async def playbooks(source: Source) -> list[dict[str, Any]]:
    """The published versions, and how many running engagements follow each."""
    async with source.pool.acquire() as connection:
        refs = await listed(queries.document_refs(connection, kind="playbook"))
        pinned = {
            row["playbook"]: row["engagements"]
            for row in await listed(queries.pinned_playbooks(connection))
        }
    return [
        {
            "playbook": f"{r['id']}@{r['version']}",
            "title": r["title"],
            "engagements": pinned.get(f"{r['id']}@{r['version']}", 0),
        }
        for r in refs
    ]


async def differing(source: Source, one: str, other: str) -> tuple[Playbook, Playbook, Differences]:
    """Two versions, and what differs between them."""
    before, after_ = await named(source, one), await named(source, other)
    return before, after_, differences(before, after_)


async def on_older(source: Source, to: str) -> tuple[Playbook, list[Any]]:
    """A version, and the running engagements on an older one of the same playbook.

    Raises:
        Unknown: The version is not published.
    """
    target = await named(source, to)
    async with source.pool.acquire() as connection:
        every = await listed(queries.engagements(connection, phase=None, person=None))
    return target, [
        row
        for row in every
        if row["ended_at"] is None
        and row["playbook"].partition("@")[0] == target.id
        and int(row["playbook"].partition("@")[2]) < target.version
    ]

"""Playbooks: their versions, what differs between two, and the upgrade of what runs on them."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cli.asking import Json, Names, counted, engagement_named, run
from cli.commands import tell, told, validated
from cli.nouns import noun
from cli.output import REFUSED, USAGE, emit_json, emit_table, fail
from cli.stack import settings_or_fail
from cli.verbs import Parameter, Verbs
from domain.journey.upgrade import Preview, UpgradePlaybook
from domain.kernel.refusals import Refused, Unknown, did_you_mean
from domain.policy.calendar import spoken
from domain.policy.differences import Differences, differences
from domain.policy.playbook import Playbook

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.envelope import Envelope, Receipt

Switch = Annotated[bool, Parameter(negative="")]
Hidden = Annotated[str | None, Parameter(name="--command-id")]
PREVIEW_REASON = "preview"


def register(app: Verbs) -> None:
    """Add the verbs."""
    group = noun(app, "playbook")
    group.command(playbook_list, name="list")
    group.command(playbook_show, name="show")
    group.command(playbook_diff, name="diff")
    group.command(upgrade, name="upgrade")


def playbook_list(*, json_: Json = False) -> None:
    """Show the published playbook versions, and how many running engagements follow each."""

    async def work(door: "Door") -> list[dict[str, Any]]:
        from store.database import listed, queries

        async with door.pool.acquire() as connection:
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

    rows = run(work)
    if json_:
        for row in rows:
            emit_json(row)
        return
    emit_table(
        "Playbooks",
        ("Playbook", "Title", "Running engagements"),
        [(r["playbook"], r["title"], r["engagements"]) for r in rows],
    )


async def named(door: "Door", ref: str) -> Playbook:
    """A published playbook version; the newest where none is named.

    Raises:
        Unknown: It is not published.
    """
    from store.context import playbook
    from store.database import listed, queries

    async with door.pool.acquire() as connection:
        found = await playbook(connection, ref.strip())
        if found is not None:
            return found
        rows = await listed(queries.document_refs(connection, kind="playbook"))
    known = [f"{r['id']}@{r['version']}" for r in rows]
    raise Unknown(
        f"The playbook {ref!r} is not published. {did_you_mean(ref, known)}See them all: "
        f"handrail playbook list"
    )


def playbook_show(playbook: str, /, *, json_: Json = False) -> None:
    """Show what one playbook version says.

    Args:
        playbook: The version, for example dta-sir@3; the newest if only the name is given.
        json_: One JSON object.
    """

    async def work(door: "Door") -> Playbook:
        return await named(door, playbook)

    found = run(work)
    if json_:
        emit_json({"playbook": found.ref, **found.model_dump(mode="json")})
        return
    import yaml

    print(f"{found.ref}: {found.title}")
    print(f"  Source: {found.source}")
    emit_table(
        "Steps",
        ("Step", "What", "Phase", "Kind", "Waived by", "Before"),
        [
            (
                s.id,
                s.name,
                s.phase,
                "tight" if s.tight else "loose",
                s.waiver,
                ", ".join(s.before),
            )
            for s in found.steps
        ],
    )
    rest = found.model_dump(
        mode="json",
        exclude={"id", "version", "title", "source", "steps"},
        exclude_none=True,
        exclude_defaults=True,
    )
    print(yaml.safe_dump(rest, sort_keys=False, allow_unicode=True, width=100).rstrip())


def playbook_diff(playbook: str, other: str, /, *, json_: Json = False) -> None:
    """Show what differs between two playbook versions.

    Args:
        playbook: The one version, for example dta-sir@3.
        other: The other, for example dta-sir@4.
        json_: One JSON object.
    """

    async def work(door: "Door") -> tuple[Playbook, Playbook]:
        return await named(door, playbook), await named(door, other)

    before, after = run(work)
    found = differences(before, after)
    if json_:
        emit_json({"before": before.ref, "after": after.ref, **_as_data(found)})
        return
    print(f"{before.ref} → {after.ref}" + ("" if found else ": nothing differs."))
    for step in found.steps:
        print(f"  {step.told()}")
    for change in found.changes:
        print(f"  {change.told()}")


def _as_data(found: Differences) -> dict[str, Any]:
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


def upgrade(
    engagement: str | None = None,
    /,
    *,
    playbook: str,
    reason: str | None = None,
    dry_run: Switch = False,
    all_: Annotated[bool, Parameter(name="--all", negative="")] = False,
    command_id: Hidden = None,
    json_: Json = False,
) -> None:
    """Move running engagements to a newer version of their playbook; look first with --dry-run.

    What is done stays done, and a step that newly became tight is asked for only where it still
    lies ahead. Anybody on the staff may look; only a Director may upgrade.

    Args:
        engagement: The engagement's id; leave it out with --all.
        playbook: The newer version, for example dta-sir@4.
        reason: Why it is upgraded now; a dry run needs none.
        dry_run: Show what would change, and write nothing.
        all_: Every running engagement on an older version of this playbook, each on its own.
        command_id: Repeat a single upgrade safely under its own id.
        json_: One JSON object, or one an engagement with --all.
    """
    if (engagement is None) != all_:
        fail("Name one engagement, or say --all for every one that runs on the playbook.", USAGE)
    if reason is None and not dry_run:
        fail("Say why it is upgraded: --reason REASON. To look first: --dry-run.", USAGE)
    if all_ and command_id is not None:
        fail("--command-id is for one engagement; repeating --all is safe without it.", USAGE)
    settings = settings_or_fail()
    if settings.actor is None:
        fail("Who acts? Set HANDRAIL_ACTOR to your handle in the directory.", REFUSED)
    actor = settings.actor
    validated(
        UpgradePlaybook, {"engagement": "any", "to": playbook, "reason": reason or PREVIEW_REASON}
    )

    async def work(door: "Door") -> None:
        if all_:
            await _all(door, playbook, reason, actor, preview=dry_run, as_json=json_)
            return
        assert engagement is not None
        one = await engagement_named(door, engagement)
        given = await _packed(door, one, playbook, reason, actor, command_id)
        if dry_run:
            try:
                found = await previewed(door, given)
            except Refused as no:
                names = Names(door)
                await names.learn(str(no))
                fail(names.told(str(no)), REFUSED)
            if json_:
                emit_json(_preview_data(one, found))
            else:
                _show_preview(one, found, await _zone(door))
            return
        receipt = await door.submit(given)
        sentences = await told(door, receipt)
        names = Names(door)
        await names.learn(receipt.message, *sentences)
        tell(receipt, sentences, names, as_json=json_)

    run(work, commands=not dry_run)


async def _packed(
    door: "Door", engagement: str, to: str, reason: str | None, actor: str, command_id: str | None
) -> "Envelope":
    from bootstrap.door import new_command_id

    try:
        given = UUID(command_id) if command_id else new_command_id()
    except ValueError:
        fail(
            f"--command-id {command_id!r} is not a command id, as an earlier answer gave it.",
            REFUSED,
        )
    return door.packed(
        UpgradePlaybook(engagement=engagement, to=to, reason=reason or PREVIEW_REASON),
        command_id=given,
        actor=actor,
        issued_at=await door.now(),
    )


async def previewed(door: "Door", envelope: "Envelope") -> Preview:
    """What an upgrade would do, decided and not recorded.

    Raises:
        Refused: It would not be taken.
    """
    from domain.deciding import after, decide_in_full
    from domain.journey.upgrade import preview
    from store.events import read_state
    from store.resolving import resolve

    command = envelope.command()
    async with door.pool.acquire() as connection:
        state = await read_state(connection, door.vault, envelope.stream)
        context = await resolve(connection, envelope, command, state, await door.now())
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


async def _zone(door: "Door") -> ZoneInfo:
    from store.context import program

    async with door.pool.acquire() as connection:
        settings = await program(connection)
    return ZoneInfo(settings.zone if settings else "UTC")


def _show_preview(engagement: str, found: Preview, zone: ZoneInfo) -> None:
    print(f"{engagement}: {found.before} → {found.to}. Nothing is written by a preview.")
    for title, lines in (
        ("Steps", [s.told() for s in found.steps]),
        ("Rules", [c.told() for c in found.changes]),
        (
            "Owed",
            [
                f"{m.item} {m.title} {m.what}"
                + (f", was {spoken(m.before)}" if m.before else "")
                + (f", by {spoken(m.after)}" if m.after else "")
                for m in found.owed
            ],
        ),
        (
            "Reminders taken back",
            [
                f"{n.item} {n.step} of {spoken(n.planned_for.astimezone(zone).date())} ({why})"
                for n, why in found.suppressed
            ],
        ),
        (
            "Reminders planned",
            [
                f"{n.item} {n.step} on {spoken(n.planned_for.astimezone(zone).date())}, "
                f"due {spoken(n.due)}"
                for n in found.planned
            ],
        ),
        (
            "Comes by itself",
            [
                f"from {spoken(fact.at.astimezone(zone).date())}: {fact.event.sentence()}"
                for fact in found.coming
            ],
        ),
    ):
        print(f"{title}: {'no change' if not lines else ''}".rstrip())
        for line in lines:
            print(f"   {line}")
    print(
        f"Undone: {', '.join(found.undone) or 'nothing'}. To upgrade: "
        f"handrail playbook upgrade {engagement} --playbook {found.to} --reason REASON"
    )


def _preview_data(engagement: str, found: Preview) -> dict[str, Any]:
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


async def _all(
    door: "Door", to: str, reason: str | None, actor: str, *, preview: bool, as_json: bool
) -> None:
    """Each running engagement on an older version of the playbook; exit code 1 if any is refused.

    Raises:
        Unknown: The version is not published.
    """
    from store.database import listed, queries

    target = await named(door, to)
    async with door.pool.acquire() as connection:
        every = await listed(queries.engagements(connection, phase=None, person=None))
    running = [
        row
        for row in every
        if row["ended_at"] is None
        and row["playbook"].partition("@")[0] == target.id
        and int(row["playbook"].partition("@")[2]) < target.version
    ]
    results: list[dict[str, Any]] = []
    for row in running:
        envelope = await _packed(door, row["id"], target.ref, reason, actor, None)
        results.append(await _one(door, envelope, row["id"], row["playbook"], preview=preview))
    names = Names(door)
    await names.learn(*(r["message"] for r in results))
    for result in results:
        result["message"] = names.told(result["message"])
        if as_json:
            emit_json(result)
    if not as_json:
        emit_table(
            f"{'Preview of the upgrade' if preview else 'Upgrade'} to {target.ref}: "
            f"{counted(len(results), 'running engagement')} on an older version",
            ("Engagement", "From", "Outcome", "What"),
            [(r["engagement"], r["before"], r["outcome"], r["message"]) for r in results],
        )
        if preview:
            print("Preview: nothing was written.")
    refused = sum(r["outcome"] == "refused" for r in results)
    if refused:
        fail(
            f"{refused} of {counted(len(results), 'engagement')} refused. See why above; "
            f"repeating takes up only those that are left.",
            REFUSED,
        )


async def _one(
    door: "Door", envelope: "Envelope", engagement: str, before: str, *, preview: bool
) -> dict[str, Any]:
    result: dict[str, Any] = {"engagement": engagement, "before": before}
    if not preview:
        receipt: Receipt = await door.submit(envelope)
        return {**result, "outcome": receipt.outcome, "message": receipt.message}
    try:
        found = await previewed(door, envelope)
    except Refused as no:
        return {**result, "outcome": "refused", "message": str(no)}
    asked = [
        s.difference.step.id
        for s in found.steps
        if s.difference.step.tight and s.after in ("next", "ahead")
    ]
    return {
        **result,
        "outcome": "would be upgraded",
        "message": f"tight and still ahead: {', '.join(asked) or 'nothing'}; "
        f"{counted(len(found.suppressed), 'reminder')} taken back, {len(found.planned)} planned",
    }

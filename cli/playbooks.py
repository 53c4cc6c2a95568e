"""Playbooks: their versions, what differs between two, and the upgrade of what runs on them."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cli.terminal.nouns import noun
from cli.terminal.options import validated
from cli.terminal.output import REFUSED, USAGE, emit_json, emit_table, fail
from cli.terminal.receipts import tell
from cli.terminal.session import Json, Shown, run, who_acts
from cli.verbs import Parameter, Verbs
from domain.journey.upgrade import Preview, UpgradePlaybook
from domain.kernel.refusals import Refused
from domain.kernel.wording import counted, spoken
from queries.clocks import zone_of
from queries.names import Names
from queries.refs import engagement_named

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.envelope import Envelope, Receipt


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
    from queries.playbooks import playbooks

    rows = run(playbooks)
    if json_:
        for row in rows:
            emit_json(row)
        return
    emit_table(
        "Playbooks",
        ("Playbook", "Title", "Running engagements"),
        [(r["playbook"], r["title"], r["engagements"]) for r in rows],
    )


def playbook_show(playbook: str, /, *, json_: Json = False) -> None:
    """Show what one playbook version says.

    Args:
        playbook: The version, for example dta-sir@3; the newest if only the name is given.
        json_: One JSON object.
    """
    from queries.playbooks import named

    found = run(lambda door: named(door, playbook))
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
    from queries.playbooks import differences_data, differing

    before, after, found = run(lambda door: differing(door, playbook, other))
    if json_:
        emit_json({"before": before.ref, "after": after.ref, **differences_data(found)})
        return
    print(f"{before.ref} → {after.ref}" + ("" if found else ": nothing differs."))
    for step in found.steps:
        print(f"  {step.told()}")
    for change in found.changes:
        print(f"  {change.told()}")


def upgrade(
    engagement: str | None = None,
    /,
    *,
    playbook: str,
    reason: str | None = None,
    dry_run: Shown = False,
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
    from queries.playbooks import preview_data, previewed
    from queries.receipts import told

    if (engagement is None) != all_:
        fail("Name one engagement, or say --all for every one that runs on the playbook.", USAGE)
    if reason is None and not dry_run:
        fail("Say why it is upgraded: --reason REASON. To look first: --dry-run.", USAGE)
    if all_ and command_id is not None:
        fail("--command-id is for one engagement; repeating --all is safe without it.", USAGE)
    actor = who_acts()
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
                emit_json(preview_data(one, found))
            else:
                _show_preview(one, found, await zone_of(door))
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


async def _all(
    door: "Door", to: str, reason: str | None, actor: str, *, preview: bool, as_json: bool
) -> None:
    """Each running engagement on an older version of the playbook; exit code 1 if any is refused.

    Raises:
        Unknown: The version is not published.
    """
    from queries.playbooks import on_older

    target, running = await on_older(door, to)
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
    from queries.playbooks import previewed

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

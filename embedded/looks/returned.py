"""What was found in the bounce mailbox, and how much of it nobody understood."""

from typing import Any

from bootstrap.settings import ENVIRONMENT, Settings
from embedded.findings import Finding
from store.database import listed, queries

DAYS = 30

PUZZLES = {
    "unclear": "not clear",
    "malformed": "broken or too large",
    "elsewhere": "about another address than the mail went to",
}
"""What was found in a message and decided nothing, though it may speak of a mail of ours."""


async def look_at_returned_mail(connection: Any, settings: Settings) -> list[Finding]:
    """Count what the worker read; nothing where no mailbox is read."""
    rows = await listed(queries.bounces_found(connection, days=DAYS))
    found = {row["found"]: row["count"] for row in rows}
    if not found and settings.bounces is None:
        return []
    read = sum(found.values())
    puzzling = {kind: found[kind] for kind in PUZZLES if kind in found}
    if puzzling:
        kinds = ", ".join(f"{n} {PUZZLES[kind]}" for kind, n in puzzling.items())
        return [
            Finding(
                "Returned mail",
                "attention",
                f"{sum(puzzling.values())} of {read} messages in {DAYS} days were not "
                f"understood: {kinds}",
                f"Look for them in the mailbox that {ENVIRONMENT['bounces']} names; the worker's "
                "log has their digests under `bounce_skipped`. What says that somebody cannot be "
                "reached, put right with `handrail person change`.",
            )
        ]
    return [
        Finding(
            "Returned mail",
            "ok",
            f"{read} messages read in {DAYS} days, {found.get('bounced', 0)} of them mails that "
            "came back",
        )
    ]

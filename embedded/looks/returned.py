"""What was found in the bounce mailbox: what nobody understood, and what waits for somebody."""

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

ANSWERS = {"answer": "an answer", "left": "saying that somebody left"}
"""What somebody must read: an answer goes to the program's address where no Lead is asked."""


async def look_at_returned_mail(connection: Any, settings: Settings) -> list[Finding]:
    """Count what the worker read; nothing where no mailbox is read."""
    rows = await listed(queries.bounces_found(connection, days=DAYS))
    found = {row["found"]: row["count"] for row in rows}
    if not found and settings.bounces is None:
        return []
    read = sum(found.values())
    findings = []
    if told := _told(found, PUZZLES):
        findings.append(
            Finding(
                "Returned mail",
                "attention",
                f"not understood of {read} messages in {DAYS} days: {told}",
                f"Look for them in the mailbox that {ENVIRONMENT['bounces']} names; the worker's "
                "log has their digests under `bounce_skipped`. What says that somebody cannot be "
                "reached, put right with `handrail person change`.",
            )
        )
    if told := _told(found, ANSWERS):
        findings.append(
            Finding(
                "Returned mail",
                "attention",
                f"written by people to nobody in {DAYS} days: {told}",
                f"Read them in the mailbox that {ENVIRONMENT['bounces']} names: nothing files "
                "them. Who left is said with `handrail person leave`.",
            )
        )
    return findings or [
        Finding(
            "Returned mail",
            "ok",
            f"{read} messages read in {DAYS} days, {found.get('bounced', 0)} of them mails that "
            "came back",
        )
    ]


def _told(found: dict[str, int], kinds: dict[str, str]) -> str:
    return ", ".join(f"{found[kind]} {said}" for kind, said in kinds.items() if kind in found)

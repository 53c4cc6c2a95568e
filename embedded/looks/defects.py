"""What could not be decoded or decided, one line for each kind of what it stops."""

from datetime import datetime
from typing import Any

from embedded.findings import Finding
from store.defects import Defect, Kind, defects

SHOWN = 3
"""Of a kind; `handrail admin defects` lists them all."""

MEND = "Install a release in which that is mended"


async def look_at_defects(connection: Any) -> list[Finding]:
    """Name what is sick, since when, and the way out."""
    sick: dict[Kind, list[Defect]] = {}
    for defect in await defects(connection):
        sick.setdefault(defect.kind, []).append(defect)
    findings = []
    if found := sick.get("command"):
        findings.append(
            Finding(
                "Defects",
                "attention",
                f"commands that could not be decided: {_told(found)}",
                f"{MEND}, then repeat each with its --command-id. Everything else goes on.",
            )
        )
    if found := sick.get("moment"):
        findings.append(
            Finding(
                "Defects",
                "attention",
                f"reminders that could not be prepared: {_told(found)}",
                f"{MEND}; they are tried again by themselves. The others go out.",
            )
        )
    if found := sick.get("news"):
        findings.append(
            Finding(
                "Defects",
                "attention",
                f"facts that did not reach every stream they concern: {_told(found)}",
                f"{MEND}; they are handed on by themselves then. The others go on.",
            )
        )
    if found := sick.get("mail"):
        findings.append(
            Finding(
                "Defects",
                "attention",
                f"mails that could not be made or sent: {_told(found)}",
                f"{MEND}; they are tried again by themselves. The others go out.",
            )
        )
    return findings


def _told(found: list[Defect]) -> str:
    told = "; ".join(_one(defect) for defect in found[:SHOWN])
    more = len(found) - SHOWN
    return told if more <= 0 else f"{told}; and {more} more, see handrail admin defects"


def _one(defect: Defect) -> str:
    what = " ".join(dict.fromkeys(part for part in (defect.about, defect.place) if part))
    at = f" on {defect.stream}" if defect.stream and defect.stream not in defect.place else ""
    often = "once" if defect.seen == 1 else f"{defect.seen} times"
    return (
        f"{what}{at} ({defect.problem}, {often}, first {_minute(defect.first_seen)}, last "
        f"{_minute(defect.last_seen)}, release {defect.release})"
    )


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")

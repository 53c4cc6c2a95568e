"""Agreements and their boards, as people see them."""

from typing import Any

from domain.agreements.agreements import MAIN
from domain.kernel.wording import spoken


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of them."""
    lines: list[str] = []
    for a in found["agreements"]:
        boards = ", ".join(
            f"{b.upper()} {i['state']}"
            + (f" {spoken(i['meeting'])}" if i["meeting"] else "")
            + (f", next {spoken(i['next_meeting'])}" if i["next_meeting"] else "")
            for b, i in a["boards"].items()
        )
        effective = f"effective {spoken(a['effective'])}" if a["effective"] else "not effective"
        kind = "" if a["type"] == MAIN else f" ({a['type']})"
        about = f", {a['about']}" if a["about"] else ""
        lines.append(f"Agreement {a['agreement']}{kind}{about}: {effective} ({boards})")
        lines += [
            f"   {b.upper()} {agenda['text']}"
            for b, i in a["boards"].items()
            for agenda in i["agenda"]
        ]
    return lines

"""Agreements, and where each board stands with them."""

from typing import Any
from zoneinfo import ZoneInfo

from domain.agreements.agenda import AgendaItem, clocked
from domain.agreements.agreements import Agreements
from domain.kernel.messages import State


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """What `engagement show` says of them."""
    return {
        "agreements": [
            {
                "agreement": a.id,
                "type": a.kind,
                "about": a.about,
                "drafted": a.drafted_on,
                "effective": a.effective_on,
                "boards": {
                    b: {
                        "state": i.state,
                        "meeting": i.meeting,
                        "next_meeting": i.next_meeting,
                        "agenda": [_on_agenda(i.agenda[n]) for n in sorted(i.agenda)],
                    }
                    for b, i in a.boards.items()
                },
            }
            for a in state.of(Agreements).all
        ],
    }


def _on_agenda(item: AgendaItem) -> dict[str, Any]:
    """A board's agenda item as plain data, with the sentence that tells it."""
    found: dict[str, Any] = {"round": item.round, "consent": item.on_consent, "ended": item.ended}
    text = ["on consent" if item.on_consent else "on the agenda"]
    if item.posting:
        zone, by = item.posting.zone, item.posting.post_by
        found |= {"meeting": clocked(item.posting.meeting_at, zone), "kind": item.posting.kind}
        found["post_by"] = clocked(by, zone) if by else None
        text.append(f"of {found['meeting']}, {item.posting.deadline}")
        if item.posted_at:
            found |= {"posted": clocked(item.posted_at, zone), "late": item.late}
            text.append(f"; posted {found['posted']}{', late' if item.late else ''}")
    text.append(f"; {item.ended}" if item.ended else "")
    found["text"] = " ".join(text).replace(" ;", ";").strip()
    return found

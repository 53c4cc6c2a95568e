"""Digests to test with: one LEA contact, one Lead, the fictional Alder Creek."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from activities.mail.digest import Digest, DigestItem

MORNING = datetime(2027, 4, 2, 15, 1, tzinfo=UTC)


def an_item(**changes: Any) -> DigestItem:
    fields: dict[str, Any] = {
        "stream": "engagement:alder-creek-usd",
        "lea_name": "Alder Creek USD",
        "item": "D1",
        "title": "Theory of action",
        "due": date(2027, 4, 16),
        "step": "t-14",
        "action": "Please send the draft to Marcus Oyelaran.",
        "command": "handrail deliverable submit alder-creek-usd D1",
    }
    return DigestItem(**(fields | changes))


def a_digest(*items: DigestItem, **changes: Any) -> Digest:
    fields: dict[str, Any] = {
        "mail_id": UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
        "person": "per-7",
        "name": "Joy Kim",
        "address": "joy@alder-creek.example",
        "side": "lea",
        "local_date": date(2027, 4, 2),
        "zone": "America/Los_Angeles",
        "program": "Intensive Support Program",
        "agency": "Golden State Support Agency",
        "sender": "Handrail <handrail@agency.example>",
        "message_id": "<01890a5dac96774bbcceb302099a8057@agency.example>",
        "reply_to": "Marcus Oyelaran <marcus@agency.example>",
        "items": items or (an_item(),),
    }
    return Digest(**(fields | changes))

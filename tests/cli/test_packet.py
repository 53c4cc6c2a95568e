"""What people wrote is text in the packet, and nothing else."""

from typing import Any

import pytest

from cli.packet import _rest, as_markdown, md


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain words, 3 of 4.", "plain words, 3 of 4."),
        ("# a heading", r"\# a heading"),
        ("- an item", r"\- an item"),
        ("1. an item", r"1\. an item"),
        ("> a quote", "&gt; a quote"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("![x](http://evil.example/p.png)", r"\!\[x\](http://evil.example/p.png)"),
        ("*bold* _it_ `code` ~no~ |cell|", r"\*bold\* \_it\_ \`code\` \~no\~ \|cell\|"),
        ("two\n\n## lines", r"two \#\# lines"),
        ("back\\slash &amp;", r"back\\slash &amp;amp;"),
    ],
)
def test_text_means_nothing_to_markdown(text: str, safe: str) -> None:
    assert md(text) == safe


def test_what_other_subjects_add_to_an_engagement_is_in_the_packet() -> None:
    found: dict[str, Any] = {
        "engagement": "e",
        "phase": "partnering",
        "risks": [{"about": "a *new* superintendent", "level": "high", "until": None}],
        "nothing": [],
        "invested": "0",
    }
    assert list(_rest(found)) == [r"risks: about a \*new\* superintendent, level high"]


def test_a_packet_with_nothing_in_it_says_so() -> None:
    empty: dict[str, Any] = dict.fromkeys(
        ("source", "statute", "focus", "ended", "county", "illustrative"), None
    ) | {key: [] for key in (
        "also_called", "recess", "handovers", "team", "tenures", "agreements", "deliverables",
        "signatures_pending", "owed", "asked", "coaching_contacts", "cycles", "checkins",
        "waivers", "reminders",
    )}  # fmt: skip
    text = as_markdown(
        {
            **empty,
            "engagement": "alder-creek-usd",
            "lea_name": "Alder Creek",
            "lea_type": "school_district",
            "phase": "recruiting",
            "playbook": "dta-sir@3",
            "opened": "2026-08-04",
            "as_of": "2026-08-04 09:00",
            "zone": "America/Los_Angeles",
            "sandbox": True,
        }
    )
    assert "# Handover packet: Alder Creek" in text
    assert "## Open deliverables\n\nNothing." in text
    assert "practice environment" in text

"""What people wrote is text in the packet, and nothing else."""

from typing import Any

import pytest

from cli.packet import as_line, as_markdown, md, not_told_elsewhere


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain words, 3 of 4.", "plain words, 3 of 4."),
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("![x](http://evil.example/p.png)", r"!\[x](http://evil.example/p.png)"),
        ("[x]: http://evil.example", r"\[x]: http://evil.example"),
        ("*bold* _it_ `code` ~no~", r"\*bold\* \_it\_ \`code\` \~no\~"),
        ("__init__ and _a_b_", r"\_\_init\_\_ and \_a_b\_"),
        ("5~6~ and $x$ cost$", r"5\~6\~ and \$x\$ cost\$"),
        (r"\* and at the end \ ".strip() + "\\", r"\\\* and at the end \\\\"),
        ("back\\slash &amp; &#35;", r"back\slash &amp;amp; &amp;#35;"),
    ],
)
def test_text_means_nothing_to_markdown(text: str, safe: str) -> None:
    assert md(text) == safe


@pytest.mark.parametrize(
    "text",
    [
        "America/Los_Angeles",
        "school_district and a__b",
        "$24,000.00 ($9,000.00 of it) for ~5 people",
        "Smith & Sons: 3 < 4 > 2",
        "D1! {x} | 5 # 7 ]",
        "it's 1. first, - then + + more",
    ],
)
def test_what_means_nothing_to_markdown_where_it_stands_is_left_as_it_is(text: str) -> None:
    assert md(text) == text


@pytest.mark.parametrize(
    ("line", "safe"),
    [
        ("# a heading", r"\# a heading"),
        ("- an item", r"\- an item"),
        ("---", r"\---"),
        ("1. an item", r"1\. an item"),
        ("2) an item", r"2\) an item"),
        ("> a quote", r"\> a quote"),
        ("-5 degrees, 1.5 hours, #7", "-5 degrees, 1.5 hours, #7"),
    ],
)
def test_a_line_of_the_packet_begins_no_block_of_its_own(line: str, safe: str) -> None:
    assert as_line(line) == safe


def test_what_other_subjects_add_to_an_engagement_is_in_the_packet() -> None:
    found: dict[str, Any] = {
        "engagement": "e",
        "phase": "partnering",
        "risks": [{"about": "a *new* superintendent", "level": "high", "until": None}],
        "fit": {"proceed": True},
        "nothing": [],
    }
    assert list(not_told_elsewhere(found)) == [
        r"risks: about a \*new\* superintendent, level high",
        "fit: proceed yes",
    ]


def test_a_packet_with_nothing_in_it_says_so() -> None:
    empty: dict[str, Any] = dict.fromkeys(
        ("source", "statute", "focus", "ended", "county", "illustrative"), None
    ) | {key: [] for key in (
        "also_called", "recess", "handovers", "team", "tenures", "agreements", "deliverables",
        "signatures_pending", "owed", "asked", "coaching_contacts", "cycles", "checkins",
        "waivers", "reminders", "investments",
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

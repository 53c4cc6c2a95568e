"""The plan and the mails of any history are those of a second reading of the rules pages."""

import ast
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.domain import lives as of
from tests.domain.plots import Do, In, Move, Pass, begun

FIRST: list[Move] = [
    Do("deliverable propose", {"title": "First", "due": In(45, worked=True), "hours": 2}),
    *of.both_sign("deliverable sign", deliverable="D1"),
]

WORK = (of.a_deliverable(), of.a_wave(), of.the_draft(), of.measures, of.a_hold(), of.recesses)
AGREEMENTS = (of.boards(), of.boards(), of.roles())
SUMMITS = (of.a_summit(), of.a_summit(), of.a_prong(), of.a_hold(), of.recesses)
YEAR = (of.check_ins(), of.check_ins(), of.a_survey(), of.a_statute, of.a_hold(), of.roles())
LEADS = (
    of.a_deliverable(),
    of.contacts(),
    of.a_handover(),
    of.a_leader(),
    of.roles(),
    of.a_prong(),
)
MAIL = (of.a_deliverable(), of.returned_mail(), of.returned_mail(), of.roles(), of.a_handover())
ETIQUETTE = (of.a_deliverable(), of.a_snooze(), of.a_policy(), of.rhythms, of.a_hold(), of.recesses)
READERS = (
    of.a_deliverable(), of.rhythms, of.rhythms, of.a_hold(), of.a_leader(), of.roles(),
    of.returned_mail(),
)  # fmt: skip

HISTORIES = {
    "work": (["agreed"], of.histories(*WORK)),
    "agreements": (["recruited", "drafted", "for a term"], of.histories(*AGREEMENTS)),
    "summits": (["agreed"], of.histories(*SUMMITS, lives=6)),
    "year": (["a year ago"], of.histories(*YEAR)),
    "leads": (["agreed"], of.histories(*LEADS)),
    "mail": (["agreed"], of.histories(*MAIL, lives=7)),
    "etiquette": (["agreed"], of.histories(*ETIQUETTE, lives=7)),
    "readers": (["agreed"], of.histories(*READERS, lives=7)),
    "everything": (
        ["agreed", "a year ago", "for a term"],
        of.histories(
            *WORK, *AGREEMENTS, *SUMMITS, *YEAR, *LEADS, *MAIL, *ETIQUETTE, of.upgrades, lives=8
        ),
    ),
}


@pytest.mark.parametrize("about", HISTORIES)
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_reminders_of_any_history_are_those_of_the_rules_pages(
    about: str, data: st.DataObject
) -> None:
    beginnings, histories = HISTORIES[about]
    both = begun(data.draw(st.sampled_from(beginnings), label="begun"))
    if both.oracle.world.effective:
        both.play(*FIRST)
    both.play(*data.draw(histories, label="history"), Pass(1), Pass(30))
    for item in {item for letter in both.oracle.post.letters for item, *_ in letter.told}:
        event(f"told of {item.rstrip('0123456789')}")


def test_the_oracle_reads_the_pages_and_nothing_of_the_domain() -> None:
    for module in (Path(__file__).parent / "oracle").glob("*.py"):
        imported = {
            name
            for node in ast.walk(ast.parse(module.read_text("utf-8")))
            for name in (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        ours = {name for name in imported if name.partition(".")[0] in ("domain", "tests")}
        assert all(name.startswith("tests.domain.oracle") for name in ours), module.name

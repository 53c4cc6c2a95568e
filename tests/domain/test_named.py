"""What a playbook names is meant by its id and by its name, however it is written."""

from datetime import date

import pytest

from domain.coaching.contacts import ContactLogged
from domain.kernel.refusals import Unknown
from domain.recruitment.recruitment import ConversationLogged
from domain.review.evidence import EvidenceLogged
from tests.domain.story import PLAYBOOK, Story


@pytest.mark.parametrize(
    "typed", ["ed-services", "Education services staff", "education  services STAFF", "ED_Services"]
)
def test_a_group_is_meant_by_its_id_and_by_its_name(typed: str) -> None:
    [event] = Story().opened().when("conversation log", group=typed).records(ConversationLogged)
    assert isinstance(event, ConversationLogged)
    assert event.group == "ed-services"


def test_so_is_every_other_thing_that_a_playbook_names() -> None:
    story = Story(date(2026, 9, 1)).effective()
    assert PLAYBOOK.coaching is not None
    for kind in PLAYBOOK.coaching.contact_kinds:
        story.do("contact log", how=kind.name.upper(), purpose=kind.id, people=("joy",))
        [logged] = [e for e in story.news if isinstance(e, ContactLogged)]
        assert logged.kind == kind.id
    story.do("sir open", framework="sir-12@2019")
    assert PLAYBOOK.review is not None
    for number, method in enumerate(PLAYBOOK.review.evidence_methods):
        story.do("evidence log", area="culture", method=method.name, group=f"group {number}")
        [entry] = [e for e in story.news if isinstance(e, EvidenceLogged)]
        assert entry.method == method.id
    for prong in PLAYBOOK.coaching.prongs:
        story.do("prong opt-out", prong=prong.name, reason="r", person="joy", evidence="mail")


def test_what_is_neither_is_refused_with_all_that_there_is() -> None:
    said = Story().opened().when("conversation log", group="superintendant").refuses(
        Unknown, "Did you mean superintendent?", "The groups: board, superintendent"
    )  # fmt: skip
    assert said.count("superintendent") == 2

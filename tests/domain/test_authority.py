"""Who may give which command; docs/rules/people-and-roles.md."""

from contextlib import nullcontext
from datetime import date, timedelta

import pytest

from domain.engagement.guards import held_to_authority
from domain.kernel.refusals import Unknown, WrongPerson
from domain.policy.authority import ASPECTS, SILENT, AuthorityRules
from domain.policy.playbook import Playbook
from domain.rules.authority import require
from domain.rules.registry import COMMANDS
from tests.domain.story import PLAYBOOK, Story, person
from tests.domain.tables import table

WHO = {
    "An assistant": "tess",
    "Its Lead": "marcus",
    "Another Lead": "priya",
    "Its Director": "dana",
    "Another Director": "nadia",
}
ROWS = table("people-and-roles.md", "Who may give which command")


def opened() -> Story:
    story = Story(date(2027, 3, 2)).opened()
    story.people["nadia"] = person("nadia", "Nadia Cole", "director")
    return story


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["Command"])
def test_who_may_give_a_command_is_as_the_table_says(row: dict[str, str]) -> None:
    story, act = opened(), row["Command"]
    for who, handle in WHO.items():
        context = story.context(handle, None)
        held = nullcontext() if row[who] == "yes" else pytest.raises(WrongPerson, match="Ask ")
        with held:
            if act in COMMANDS:
                held_to_authority(COMMANDS[act].model_construct(), story.state(), context)
            else:
                roles = story.engagement.roles
                require("x", act, context, lead=roles["lead"], director=roles["director"])


def test_the_table_has_every_command_that_people_give() -> None:
    given = {kind for kind, command in COMMANDS.items() if not command.internal}
    assert [row["Command"] for row in ROWS] == sorted(given | ASPECTS)


def test_a_playbook_says_otherwise() -> None:
    story = opened()
    acts = {**SILENT.acts, "conversation log": ("its-director",)}
    rules = SILENT.model_copy(update={"acts": acts})
    story.playbook = PLAYBOOK.model_copy(update={"authority": rules})
    story.when("conversation log", group="parents").refuses(
        WrongPerson, "handrail conversation log", "its Director p-dana", "Ask its Director"
    )
    story.do("conversation log", "dana", group="parents")


def test_what_a_playbook_says_of_authority_is_about_acts_that_exist() -> None:
    def published(rules: AuthorityRules) -> Playbook:
        return PLAYBOOK.model_copy(update={"version": 9, "authority": rules})

    for change, wrong in (
        ({"acts": {"engagement closse": ("director",)}}, "'engagement closse'"),
        ({"corrections": SILENT.corrections.model_copy(update={"binding": ("bord",)})}, "'bord'"),
    ):
        rules = SILENT.model_copy(update=change)
        Story().when("playbook publish", "dana", content=published(rules)).refuses(
            Unknown, wrong, "Did you mean", "Correct the file"
        )
    with pytest.raises(ValueError, match="nobody may engagement close"):
        AuthorityRules(acts={"engagement close": ()}, corrections=SILENT.corrections)


def test_one_s_own_entry_is_one_s_own_to_mend_for_some_days() -> None:
    story = Story().opened()
    story.do("conversation log", group="parents")
    [*_, entry] = story.entries[story.about]
    mend = {"entry": entry.number, "reason": "slip"}
    last = story.today + timedelta(days=SILENT.corrections.own_days)
    late = story.away_until(last)
    late.when("entry retract", **mend).refuses(WrongPerson, "its Lead p-marcus or a Director")
    late.do("entry retract", "marcus", **mend)


def test_a_silent_playbook_is_read_as_the_one_that_comes_with_handrail() -> None:
    assert PLAYBOOK.authority is not None
    assert PLAYBOOK.authority.model_dump() == SILENT.model_dump()

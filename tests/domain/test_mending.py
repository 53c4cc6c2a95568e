"""Whatever was entered can be put right or taken back; the rules see to what follows."""

from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.agreements.agreements import Agreements, BoardActed
from domain.deciding import facts
from domain.deliverables.proposing import Deliverables
from domain.kernel.messages import Recorded, Spent, State
from domain.kernel.refusals import Refused, TightStep, Unknown, WrongPerson, WrongState
from domain.mending import EntryMended, Mendings, NamesSpent
from domain.reminders.notices import NOTICE_EVENTS, Notices
from domain.reminders.planning import reconcile
from domain.rules.context import SYSTEM, Entry
from domain.rules.registry import as_mended, fold
from tests.domain.story import ENGAGEMENT, YES, Story
from tests.domain.tables import table
from tests.domain.test_properties import played, plots, starts, whatever_happens


def number(story: Story, kind: str, *, last: bool = True) -> int:
    """The number of the last entry of a kind."""
    found = [e for e in story.entries[ENGAGEMENT] if e.command and e.command.kind() == kind]
    return found[-1 if last else 0].number


def votes(history: list[Recorded]) -> list[str | None]:
    return [r.event.vote for r in as_mended(history) if isinstance(r.event, BoardActed)]


def test_a_board_s_vote_is_put_right_and_the_first_value_stays_known() -> None:
    story = Story().effective()
    before = len(story.history())
    entry = number(story, "agreement act", last=False)

    story.do("entry correct", entry=entry, values={"vote": "5-0"}, reason="left out")

    [agreement] = story.state().of(Agreements).all
    assert agreement.effective_on == story.today
    assert votes(story.history()) == ["5-0", None]
    assert votes(story.history()[:before]) == [None, None]
    [mend] = [e for e in story.news if isinstance(e, EntryMended)]
    assert "left out" in mend.sentence()


def test_a_vote_that_failed_after_all_takes_the_agreement_s_effect_with_it() -> None:
    story = Story().effective()
    entry = number(story, "agreement act")

    story.do(
        "entry correct", "dana", entry=entry, values={"action": "denied"}, reason="misread minutes"
    )

    [agreement] = story.state().of(Agreements).all
    assert agreement.effective_on is None
    assert story.engagement.phase != "onboarding"


def test_what_rests_on_an_entry_is_named_and_taken_back_only_with_it() -> None:
    story = Story().effective().proposed(date(2026, 9, 25)).signed()
    entry = number(story, "deliverable propose")

    refused = story.when("entry retract", "marcus", entry=entry, reason="wrong LEA").refuses(
        WrongState, "--with-consequences"
    )
    assert "D1" in refused

    story.do("entry retract", "dana", entry=entry, reason="wrong LEA", with_consequences=True)

    assert not story.state().of(Deliverables).all
    told = [n for item in ("D1", "D1/signature") for n in story.ledger(item)]
    assert {n.status for n in told} == {"suppressed"}
    assert "taken back" in {n.reason for n in told}


def test_a_name_is_never_given_twice() -> None:
    story = Story().effective().proposed(date(2026, 9, 25))
    story.do("entry retract", "marcus", entry=number(story, "deliverable propose"), reason="slip")

    story.proposed(date(2026, 10, 2), "Data protocol")

    assert list(story.state().of(Deliverables).all) == ["D2"]


def test_what_came_later_keeps_its_name_when_what_came_before_is_taken_back() -> None:
    story = Story().effective().proposed(date(2026, 9, 25))
    first = number(story, "deliverable propose")
    story.proposed(date(2026, 10, 2), "Data protocol").signed("D2")

    story.do("entry retract", "marcus", entry=first, reason="slip")

    assert list(story.state().of(Deliverables).all) == ["D2"]
    assert story.state().of(Deliverables).all["D2"].status == "agreed"


def test_a_retracted_conversation_is_owed_again() -> None:
    story = Story().recruited()
    entry = number(story, "conversation log")
    story.do("entry retract", "marcus", entry=entry, reason="another LEA")

    story.when("fit decide", "marcus", proceed=True, criterion=YES).refuses(TightStep)


def test_a_correction_can_itself_be_corrected_and_what_was_taken_back_be_put_back() -> None:
    story = Story().effective()
    entry = number(story, "agreement act", last=False)
    story.do("entry correct", entry=entry, values={"vote": "5-0"}, reason="left out")
    story.do("entry correct", entry=entry, values={"vote": "3-2"}, reason="typed 5-0")
    assert votes(story.history()) == ["3-2", None]

    story.proposed(date(2026, 9, 25))
    proposed = number(story, "deliverable propose")
    story.do("entry retract", "marcus", entry=proposed, reason="slip")
    story.do(
        "entry correct",
        "marcus",
        entry=proposed,
        values={"title": "Theory"},
        reason="right after all",
    )
    assert [d.title for d in story.state().of(Deliverables).all.values()] == ["Theory"]


def test_an_engagement_ended_by_mistake_goes_on_and_nothing_is_sent_for_the_gap() -> None:
    story = Story().effective().proposed(date(2026, 9, 25)).signed()
    story.do("engagement withdraw", "marcus", reason="wrong id").on(date(2026, 9, 24))
    withdrawn = number(story, "engagement withdraw")

    story.do("entry retract", "marcus", entry=withdrawn, reason="another engagement was meant")

    assert story.engagement.is_open
    assert story.planned_days("D1") == [date(2026, 9, 25), date(2026, 9, 28), date(2026, 10, 2),
                                        date(2026, 10, 9)]  # fmt: skip


def test_mending_twice_is_mending_once() -> None:
    story = Story().effective()
    entry = number(story, "agreement act")
    story.do("entry correct", entry=entry, values={"vote": "5-0"}, reason="left out")
    once = as_mended(story.history())

    assert as_mended(once) == once
    assert fold(ENGAGEMENT, once) == story.state()


def test_the_same_values_change_nothing() -> None:
    story = Story().effective()
    entry = number(story, "agreement act")
    story.when("entry correct", entry=entry, values={}, reason="no reason").records()


def test_an_entry_that_is_not_there_and_one_by_handrail_itself_are_refused() -> None:
    story = Story().effective().proposed(date(2026, 9, 25)).signed()
    story.when("entry retract", entry=999, reason="x").refuses(Unknown, "handrail history")


def test_what_was_signed_is_another_s_to_mend_only_as_a_director() -> None:
    story = Story().effective()
    entry = number(story, "agreement act")
    story.when("entry retract", "priya", entry=entry, reason="x").refuses(WrongPerson, "a Director")
    story.do("entry retract", "dana", entry=entry, reason="never voted")


ENTERED: dict[str, str] = {
    "a conversation": "conversation log",
    "a deliverable": "deliverable propose",
    "a visit": "contact log",
    "a board's act": "agreement act",
    "a signature": "deliverable sign",
    "an investment": "investment add",
}
WHO = {
    "Who entered it": "tess",
    "The Lead": "marcus",
    "Another Lead": "priya",
    "A Director": "dana",
}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("what", ENTERED)
def test_people_may_mend_what_the_table_says(what: str, who: str) -> None:
    [row] = [r for r in table("corrections.md", "Who may") if what in r["Entry"]]
    story = Story().effective().proposed(date(2026, 9, 25))
    story.do("deliverable propose", title="Data protocol", due=date(2026, 10, 9), hours=2)
    story.do("deliverable sign", deliverable="D1", person="joy", evidence="mail of today")
    story.do("conversation log", group="parents", notes="again")
    story.do("contact log", how="visit", purpose="coaching", people=("joy",))
    story.do("investment add", amount=500, purpose="Books", source="ledger")
    body = {"entry": number(story, ENTERED[what]), "reason": "slip", "with_consequences": True}
    if row[who] == "yes":
        story.do("entry retract", WHO[who], **body)
    else:
        story.when("entry retract", WHO[who], **body).refuses(WrongPerson, "entry", "Ask")


def mendings(story: Story, wanted: int, how: str) -> None:
    """Mend one of the entries that people gave, with all its consequences."""
    given_ones = [e for e in story.entries.get(ENGAGEMENT, []) if e.command is not None]
    entry = given_ones[wanted % len(given_ones)].number if given_ones else 1
    body = {"entry": entry, "reason": "slip", "with_consequences": True}
    with suppress(Refused):
        if how == "retract":
            story.do("entry retract", "dana", **body)
        else:
            story.do("entry correct", "dana", on=story.today - timedelta(days=wanted % 9), **body)


def self_consistent(history: list[Recorded], entries: list[Entry]) -> set[int]:
    """The entries that their commands would record again, word for word, where they stand."""
    found, state, read = set(), State(ENGAGEMENT), as_mended(history)
    for entry in entries:
        was = [r for r in read if r.stamp.version in entry.versions]
        facts_then = [
            (r.event, r.stamp.effective_at)
            for r in was
            if not isinstance(r.event, (*NOTICE_EVENTS, EntryMended, NamesSpent))
        ]
        with suppress(Refused):
            if entry.context and entry.command and facts_then:
                said, _ = facts(entry.command, state, entry.context, illustrative=False)
                if said == facts_then:
                    found.add(entry.number)
        state = fold(ENGAGEMENT, was, state)
    return found


@settings(whatever_happens, max_examples=120)
@given(starts, plots, st.integers(0, 60), st.sampled_from(["retract", "correct"]))
def test_whatever_is_mended_leads_only_to_what_the_rules_could_have_reached(
    start: str, plot: list[Any], wanted: int, how: str
) -> None:
    story = played(start, plot)
    history, entries = list(story.history()), list(story.entries.get(ENGAGEMENT, []))
    before = self_consistent(history, entries)

    mendings(story, wanted, how)

    now = story.history()
    assert now[: len(history)] == history, "what was recorded stays"
    assert fold(ENGAGEMENT, now) == story.state()
    assert reconcile(story.state(), story.context(SYSTEM, None)) == []
    touched = {
        v for r in now[len(history) :] if isinstance(r.event, EntryMended)
        for v in (r.event.entry, *r.event.also)
    }  # fmt: skip
    assert before - touched <= self_consistent(now, entries)


@settings(whatever_happens, max_examples=120)
@given(starts, plots, st.integers(0, 60))
def test_what_was_taken_back_and_put_back_is_as_if_nothing_had_happened(
    start: str, plot: list[Any], wanted: int
) -> None:
    story = played(start, plot)
    known = [e for e in story.entries.get(ENGAGEMENT, []) if e.command is not None]
    if not known:
        return
    entry = known[wanted % len(known)].number
    story.do("notices reconcile", SYSTEM)
    slices = facts_of(story.state())
    try:
        story.do("entry retract", "dana", entry=entry, reason="slip")
    except Refused:
        return
    assert facts_of(story.state()) != slices
    story.do("entry correct", "dana", entry=entry, reason="right after all")
    # What time had brought meanwhile, it brings again.
    story.do("notices reconcile", SYSTEM)
    assert facts_of(story.state()) == slices


def facts_of(state: State) -> dict[type, Any]:
    """A stream without its reminders and without what is kept of its corrections."""
    return {k: v for k, v in state.slices.items() if k not in (Notices, Mendings, Spent)}


def test_what_rests_on_an_entry_is_taken_back_only_by_whoever_may_take_that_back() -> None:
    story = Story().effective().proposed(date(2026, 9, 25)).signed()
    body = {"entry": number(story, "deliverable propose"), "reason": "slip"}
    story.when("entry retract", "marcus", with_consequences=True, **body).refuses(
        WrongPerson, "p-tess themselves or a Director", "Ask"
    )
    story.do("entry retract", "dana", with_consequences=True, **body)

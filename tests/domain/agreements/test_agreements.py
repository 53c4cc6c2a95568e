"""docs/rules/agreements.md, row by row, and every refusal of drafting and acting."""

from datetime import date, time, timedelta

import pytest
from pydantic import ValidationError

from domain.agreements.agreements import (
    AgreementDrafted,
    AgreementEffective,
    Agreements,
    BoardActed,
    BoardState,
)
from domain.engagement.state import Engagement
from domain.kernel import refusals
from domain.kernel.refusals import (
    AlreadyExists,
    ChargedToLea,
    ImpossibleDate,
    Incomplete,
    Refused,
    Unknown,
    WrongState,
)
from domain.owing.obligations import Obligation, obligations
from domain.policy.calendar import at_local, local_date
from domain.rules.registry import fold
from store.events import as_true
from tests.domain.story import ZONE, Story, made
from tests.domain.tables import Row, day, table

FIRST, LATER, LAST = date(2026, 9, 10), date(2026, 9, 24), date(2026, 10, 8)
TO_GET_THERE: dict[str, tuple[str, ...]] = {
    "pending": (),
    "continued": ("continued",),
    "signed": ("signed",),
    "approved": ("approved",),
    "ratified": ("signed", "ratified"),
    "denied": ("denied",),
}


def act(story: Story, board: str, action: str, meeting: date) -> Story:
    continued = {"next_meeting": LAST} if action == "continued" else {}
    return story.do("agreement act", board=board, action=action, meeting=meeting, **continued)


def before_the_boards() -> Story:
    return Story(date(2026, 9, 2)).drafted().on(date(2026, 12, 1))


def board_state(story: Story, board: str) -> BoardState:
    latest = story.state().of(Agreements).latest
    assert latest is not None
    return latest.boards[board].state


@pytest.mark.parametrize(
    "row",
    table("agreements.md", "What a board can do"),
    ids=lambda r: f"{r['Before']}, then {r['Action']}",
)
@pytest.mark.parametrize("board", ["lea", "ccee"])
def test_a_board_acts_as_the_table_says(board: str, row: Row) -> None:
    story = before_the_boards()
    for action in TO_GET_THERE[row["Before"]]:
        act(story, board, action, FIRST)
    assert board_state(story, board) == row["Before"]
    after = row["After"]
    body = {"next_meeting": LAST} if row["Action"] == "continued" else {}
    when = story.when("agreement act", board=board, action=row["Action"], meeting=LATER, **body)
    if after[0].isupper():
        refusal: type[Refused] = getattr(refusals, after)
        when.refuses(refusal, board.upper(), "A1")
        assert board_state(story, board) == row["Before"]
    else:
        when.records(BoardActed)
        assert board_state(story, board) == after


def test_the_table_names_every_state_with_every_action() -> None:
    rows = table("agreements.md", "What a board can do")
    states = set(TO_GET_THERE)
    actions = {"approved", "denied", "continued", "signed", "ratified"}
    assert len(rows) == len(states) * len(actions)
    assert {(r["Before"], r["Action"]) for r in rows} == {(s, a) for s in states for a in actions}


@pytest.mark.parametrize(
    "row",
    table("agreements.md", "When it is effective"),
    ids=lambda r: f"{r['LEA board']}; {r['Agency board']}",
)
@pytest.mark.parametrize("order", ["lea first", "agency first"])
def test_an_agreement_is_effective_once_both_boards_have_finally_acted(
    row: Row, order: str
) -> None:
    story = before_the_boards()
    acts = [("lea", row["LEA board"]), ("ccee", row["Agency board"])]
    for board, done in acts if order == "lea first" else reversed(acts):
        if done != "pending":
            action, _, on = done.partition(" ")
            meeting = day(on)
            body = {"next_meeting": date(2026, 11, 5)} if action == "continued" else {}
            story.do("agreement act", board=board, action=action, meeting=meeting, **body)
    latest = story.state().of(Agreements).latest
    assert latest is not None
    effective = None if row["Effective"] == "no" else day(row["Effective"])
    assert latest.effective_on == effective
    assert story.engagement.phase == ("onboarding" if effective else "agreeing")


@pytest.mark.parametrize(
    "row",
    [r for r in table("agreements.md", "When it is effective") if r["Effective"] != "no"],
    ids=lambda r: f"{r['LEA board']}; {r['Agency board']}",
)
def test_what_a_board_did_came_true_on_the_day_of_its_meeting(row: Row) -> None:
    story = before_the_boards()
    for board, done in (("lea", row["LEA board"]), ("ccee", row["Agency board"])):
        action, _, on = done.partition(" ")
        story.do("agreement act", board=board, action=action, meeting=day(on))
    came_true = {
        (type(r.event), getattr(r.event, "board", None)): local_date(r.stamp.effective_at, ZONE)
        for r in story.history()
        if isinstance(r.event, BoardActed | AgreementEffective)
    }
    assert came_true == {
        (BoardActed, "lea"): day(row["LEA board"].partition(" ")[2]),
        (BoardActed, "ccee"): day(row["Agency board"].partition(" ")[2]),
        (AgreementEffective, None): day(row["Effective"]),
    }
    phases = []
    for days_before in (1, 0):
        evening = day(row["Effective"]) - timedelta(days=days_before)
        told = as_true(story.history(), at_local(evening, time(23, 59), ZONE), ZONE)
        phases.append(fold(story.state().stream, told).of(Engagement).phase)
    assert phases == ["agreeing", "onboarding"]


def test_the_meeting_dates_the_act_whatever_else_is_said() -> None:
    story = before_the_boards()
    story.do("agreement act", board="lea", action="approved", meeting=FIRST, effective=LATER)
    [acted] = [r for r in story.history() if isinstance(r.event, BoardActed)]
    assert acted.stamp.effective_at == at_local(FIRST, time(0), ZONE)
    assert local_date(acted.stamp.recorded_at, ZONE) == date(2026, 12, 1)


def test_an_act_of_today_came_true_now() -> None:
    story = before_the_boards()
    story.do("agreement act", board="lea", action="approved", meeting=story.today)
    [acted] = [r for r in story.history() if isinstance(r.event, BoardActed)]
    assert acted.stamp.effective_at == story.now


def test_alder_creeks_agreement_goes_as_the_table_says() -> None:
    story = Story(date(2026, 9, 2)).drafted()
    for row in table("agreements.md", "Alder Creek's agreement"):
        action, _, later = row["Action"].partition(" to ")
        body = {"next_meeting": day(later)} if later else {}
        story.on(day(row["Day"]))
        story.do(
            "agreement act", board=row["Board"], action=action, meeting=day(row["Day"]), **body
        )
        assert board_state(story, "lea") == row["LEA's item"]
        assert board_state(story, "ccee") == row["Agency's item"]
        assert story.engagement.phase == row["Phase"]
    effective = [r.event for r in story.history() if isinstance(r.event, AgreementEffective)]
    assert [e.on for e in effective] == [date(2026, 10, 15)]


def test_a_ratification_that_is_continued_leaves_the_signature_standing() -> None:
    story = before_the_boards()
    act(story, "ccee", "signed", FIRST)
    act(story, "ccee", "continued", LATER)
    assert board_state(story, "ccee") == "signed"
    act(story, "ccee", "ratified", LAST)
    act(story, "lea", "approved", FIRST)
    assert story.engagement.phase == "onboarding"


def test_a_draft_makes_an_item_for_each_board() -> None:
    [drafted] = Story().fitting().when("agreement draft").records(AgreementDrafted)
    assert isinstance(drafted, AgreementDrafted)
    assert drafted.agreement == "A1"
    assert drafted.boards == ("lea", "ccee")


def test_a_second_agreement_follows_a_denied_one() -> None:
    story = before_the_boards()
    act(story, "lea", "denied", FIRST)
    [drafted] = story.when("agreement draft").records(AgreementDrafted)
    assert isinstance(drafted, AgreementDrafted)
    assert drafted.agreement == "A2"
    assert board_state(story, "lea") == "pending"


def test_what_a_clerk_reported_is_kept_with_the_evidence() -> None:
    story = before_the_boards()
    [acted] = story.when(
        "agreement act", board="lea", action="approved", meeting=FIRST, vote="4-1",
        minutes="minutes of 10 September", person="elena", evidence="mail of 11 September",
    ).records(BoardActed)  # fmt: skip
    assert isinstance(acted, BoardActed)
    assert (acted.reported_by, acted.vote) == ("p-elena", "4-1")
    assert acted.evidence is not None
    assert (acted.evidence.about, acted.evidence.text) == ("p-elena", "mail of 11 September")


@pytest.mark.parametrize("charge", ["500", "0.01"])
def test_nothing_is_charged_to_the_lea(charge: str) -> None:
    shown = f"${float(charge):,.2f}"
    Story().fitting().when("agreement draft", charge=charge).refuses(
        ChargedToLea, shown, "Leave out --charge"
    )


def test_a_negative_charge_has_no_form() -> None:
    with pytest.raises(ValidationError):
        made("agreement draft", charge="-1")


def test_no_agreement_is_drafted_while_recruiting() -> None:
    Story().recruited().when("agreement draft").refuses(
        WrongState, "recruiting", "handrail fit decide alder-creek-usd --proceed"
    )


@pytest.mark.parametrize("stage", ["before the boards", "effective"])
def test_one_agreement_is_in_play(stage: str) -> None:
    story = before_the_boards() if stage == "before the boards" else Story().effective()
    story.when("agreement draft").refuses(AlreadyExists, "A1", stage, "handrail agreement act")


def test_a_draft_is_not_dated_ahead() -> None:
    Story().fitting().when("agreement draft", effective=date(2026, 8, 5)).refuses(
        ImpossibleDate, "Wed 5 Aug 2026", "Tue 4 Aug 2026", "Give the day"
    )


def test_no_board_acts_on_what_is_not_drafted() -> None:
    Story().fitting().when(
        "agreement act", board="lea", action="approved", meeting=date(2026, 8, 4)
    ).refuses(WrongState, "handrail agreement draft alder-creek-usd")


def test_an_unknown_board_is_named_with_the_known_ones() -> None:
    before_the_boards().when(
        "agreement act", board="cce", action="approved", meeting=FIRST
    ).refuses(Unknown, "'cce'", "Did you mean ccee", "The boards: lea, ccee")


@pytest.mark.parametrize(
    ("meeting", "words"),
    [
        pytest.param(date(2026, 12, 2), ("Wed 2 Dec 2026", "Tue 1 Dec 2026"), id="ahead"),
        pytest.param(date(2026, 9, 1), ("Tue 1 Sep 2026", "Wed 2 Sep 2026"), id="before the draft"),
    ],
)
def test_a_meeting_that_cannot_be_is_refused(meeting: date, words: tuple[str, ...]) -> None:
    before_the_boards().when(
        "agreement act", board="lea", action="approved", meeting=meeting
    ).refuses(ImpossibleDate, *words, "Give the day")


def test_an_action_does_not_precede_the_boards_last_one() -> None:
    story = act(before_the_boards(), "lea", "continued", LATER)
    story.when("agreement act", board="lea", action="approved", meeting=FIRST).refuses(
        ImpossibleDate, "Thu 24 Sep 2026", "Thu 10 Sep 2026", "later meeting"
    )


def test_a_continuation_says_to_when() -> None:
    story = before_the_boards()
    story.when("agreement act", board="lea", action="continued", meeting=FIRST).refuses(
        Incomplete, "Add --next DATE", "A1"
    )


@pytest.mark.parametrize("next_meeting", [FIRST, date(2026, 9, 9)])
def test_a_continuation_is_to_a_later_meeting(next_meeting: date) -> None:
    before_the_boards().when(
        "agreement act", board="lea", action="continued", meeting=FIRST, next_meeting=next_meeting
    ).refuses(ImpossibleDate, "Thu 10 Sep 2026", "Correct --next")


def test_only_a_continuation_names_a_next_meeting() -> None:
    before_the_boards().when(
        "agreement act", board="lea", action="approved", meeting=FIRST, next_meeting=LATER
    ).refuses(WrongState, "2026-09-24", "approved", "Leave it out")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({"person": "elena"}, ("elena", "--evidence"), id="no evidence"),
        pytest.param({"evidence": "a mail"}, ("a mail", "--for PERSON"), id="nobody"),
    ],
)
def test_a_report_has_its_reporter_and_its_evidence(
    body: dict[str, str], words: tuple[str, ...]
) -> None:
    before_the_boards().when(
        "agreement act", board="lea", action="approved", meeting=FIRST, **body
    ).refuses(Incomplete, *words)


def test_an_unknown_reporter_is_refused() -> None:
    before_the_boards().when(
        "agreement act", board="lea", action="approved", meeting=FIRST, person="elenna",
        evidence="mail",
    ).refuses(Unknown, "'elenna'", "Did you mean elena", "handrail person list")  # fmt: skip


@pytest.mark.parametrize("vote", ["4", "four-one", "4-1-0-2", "4 - 1"])
def test_a_vote_has_its_form(vote: str) -> None:
    with pytest.raises(ValidationError):
        made("agreement act", board="lea", action="approved", meeting=FIRST, vote=vote)


BEFORE_THE_TYPE = {
    "Before fit": lambda kind: Story().recruited(),
    "Before the main one is effective": lambda kind: (
        Story().fitting() if kind == "engagement" else Story().drafted()
    ),
    "Effective, none of its type before the boards": lambda kind: Story().effective(),
    "Another of its type before the boards": lambda kind: (
        Story().drafted()
        if kind == "engagement"
        else Story().effective().do("agreement draft", type=kind)
    ),
}


@pytest.mark.parametrize(
    "row", table("agreements.md", "Types of agreement"), ids=lambda r: r["Type"]
)
@pytest.mark.parametrize("when", BEFORE_THE_TYPE)
def test_a_type_of_agreement_is_drafted_as_the_table_says(when: str, row: Row) -> None:
    kind = row["Type"]
    drafting = BEFORE_THE_TYPE[when](kind).when("agreement draft", type=kind, about="a second year")
    if row[when] == "drafted":
        [drafted] = drafting.records(AgreementDrafted)
        assert isinstance(drafted, AgreementDrafted)
        assert (drafted.kind, drafted.about) == (kind, "a second year")
        assert drafted.of == ("A1" if kind in ("renewal", "amendment") else None)
    else:
        refusal: type[Refused] = getattr(refusals, row[when])
        drafting.refuses(refusal)


def test_only_the_main_agreement_makes_the_engagement_effective() -> None:
    story = before_the_boards().do("agreement draft", type="data-sharing")
    for board in ("lea", "ccee"):
        body = {
            "agreement": "A2",
            "board": board,
            "action": "approved",
            "meeting": date(2026, 12, 1),
        }
        story.do("agreement act", **body)
    agreements = story.state().of(Agreements)
    assert [a.effective_on for a in agreements.all] == [None, date(2026, 12, 1)]
    assert agreements.effective_on is None
    assert story.engagement.phase == "agreeing"
    story.when("deliverable propose", "marcus", title="T", due=date(2027, 1, 15)).refuses(
        WrongState, "agreement"
    )
    story.when("checkin open", "marcus", on=date(2027, 1, 15)).refuses(WrongState, "agreement")


def test_a_later_agreement_neither_moves_the_phase_nor_the_year() -> None:
    story = Story(date(2026, 10, 15)).effective().proposed(date(2027, 4, 16)).signed()
    story.on(date(2027, 1, 12)).do("agreement draft", type="amendment", about="one more school")
    assert story.state().of(Agreements).effective_on == date(2026, 10, 15)
    phase = story.engagement.phase
    for board in ("lea", "ccee"):
        story.do("agreement act", board=board, action="approved", meeting=date(2027, 1, 12))
    assert story.state().of(Agreements).effective_on == date(2026, 10, 15)
    assert story.engagement.phase == phase != "agreeing"


def test_with_several_before_the_boards_an_action_names_its_agreement() -> None:
    story = before_the_boards().do("agreement draft", type="data-sharing")
    act = {"board": "lea", "action": "approved", "meeting": LATER}
    story.when("agreement act", **act).refuses(
        Incomplete, "A1 (engagement), A2 (data-sharing)", "--agreement A1"
    )
    story.when("agreement act", agreement="A7", **act).refuses(Unknown, "'A7'", "A1, A2")


def test_only_a_continuation_names_a_next_hour() -> None:
    before_the_boards().when(
        "agreement act", board="lea", action="approved", meeting=FIRST, next_at="18:00"
    ).refuses(WrongState, "--next-at 18:00", "Leave it out")


def test_a_board_that_continued_an_item_did_nothing_else_with_it_that_day() -> None:
    story = before_the_boards()
    story.do("agreement act", board="lea", action="continued", meeting=FIRST, next_meeting=LATER)
    story.when("agreement act", board="lea", action="approved", meeting=FIRST).refuses(
        ImpossibleDate, "continued A1", "Give the day of the later meeting"
    )


@pytest.mark.parametrize("row", table("agreements.md", "The term of an agreement"), ids=str)
def test_a_renewal_is_owed_in_time_before_the_term_ends(row: Row) -> None:
    story = Story().fitting().do("agreement draft", until=day(row["Term ends"]))
    for board in ("lea", "ccee"):
        assert not renewals(story), "nothing is renewed that is not in force"
        story.do("agreement act", board=board, action="approved", meeting=story.today)
    [owed] = renewals(story)
    assert (owed.item, owed.due) == ("A1/renewal", day(row["Renewal drafted by"]))
    assert (owed.owner, owed.settled) == ("lead", None)
    assert story.planned_days("A1/renewal")
    story.do("agreement draft", type="renewal", until=day(row["Term ends"]) + timedelta(days=365))
    assert [o.settled for o in renewals(story)] == ["renewal drafted"]
    assert {n.reason for n in story.ledger("A1/renewal")} == {"renewal drafted"}


def test_the_renewals_own_term_counts_once_both_boards_have_acted_on_it() -> None:
    story = Story().fitting().do("agreement draft", until=date(2027, 6, 30))
    for board in ("lea", "ccee"):
        story.do("agreement act", board=board, action="approved", meeting=story.today)
    story.do("agreement draft", type="renewal", until=date(2028, 6, 30))
    for board in ("lea", "ccee"):
        story.do(
            "agreement act", agreement="A2", board=board, action="approved", meeting=story.today
        )
    assert [(o.item, o.settled) for o in renewals(story)] == [
        ("A1/renewal", "renewal drafted"),
        ("A2/renewal", None),
    ]


def test_a_second_renewal_of_one_day_is_renewed_in_its_turn() -> None:
    story = Story().fitting().do("agreement draft", until=date(2027, 6, 30))
    for agreement, until in (("A1", None), ("A2", date(2028, 6, 30)), ("A3", date(2029, 6, 30))):
        if until:
            story.do("agreement draft", type="renewal", until=until)
        for board in ("lea", "ccee"):
            body = {"agreement": agreement, "board": board, "meeting": story.today}
            story.do("agreement act", action="approved", **body)
    assert [(o.item, o.settled) for o in renewals(story)] == [
        ("A1/renewal", "renewal drafted"),
        ("A2/renewal", "renewal drafted"),
        ("A3/renewal", None),
    ]


def test_a_denied_renewal_is_owed_again() -> None:
    story = Story().fitting().do("agreement draft", until=date(2027, 6, 30))
    for board in ("lea", "ccee"):
        story.do("agreement act", board=board, action="approved", meeting=story.today)
    story.do("agreement draft", type="renewal", until=date(2028, 6, 30))
    story.do("agreement act", agreement="A2", board="lea", action="denied", meeting=story.today)
    assert [o.settled for o in renewals(story)] == [None]


def test_a_term_lies_ahead_and_an_agreement_without_one_asks_for_nothing() -> None:
    story = Story().fitting()
    story.when("agreement draft", until=story.today).refuses(ImpossibleDate, "--last")
    story.when("agreement draft", until=date(2207, 6, 30)).refuses(ImpossibleDate, "Check the year")
    assert renewals(Story().effective()) == []


def renewals(story: Story) -> list[Obligation]:
    """What is or was owed of renewals."""
    found = obligations(story.state(), story.context("tess", None))
    return [o for o in found if o.item.endswith("/renewal")]

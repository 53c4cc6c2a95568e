"""docs/rules/burden.md, row by row, and every refusal of the burden guard."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.deliverables.proposing import DeliverableAgreed, DeliverableProposed, DeliverableSigned
from domain.deliverables.submissions import DeliverableReturned
from domain.engagement import burden
from domain.engagement.burden import (
    Away,
    Burden,
    BurdenWaived,
    HoursAsked,
    Month,
    by_month,
    collisions,
)
from domain.kernel import refusals
from domain.kernel.messages import State
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Invalid,
    Refused,
    TooMany,
    WrongPerson,
    WrongState,
)
from domain.kernel.wording import plain
from domain.policy.calendar import Closure, WorkingDays
from domain.policy.parts import BurdenRules
from domain.review.review import Review, Spared
from domain.review.spared import WaveSpared
from domain.review.waves import WaveAgreed, WaveProposed, WaveSigned
from domain.rules.registry import fold
from store.events import as_true
from tests.domain.story import ALDER, CALENDAR, PLAYBOOK, RECESS, Story, made
from tests.domain.tables import Row, day, table
from tests.domain.test_properties import whatever_happens

NOVEMBER, DECEMBER, MAY = date(2026, 11, 1), date(2026, 12, 1), date(2027, 5, 1)
MONDAY = date(2026, 11, 2)
DUE = date(2026, 11, 19)
LATER = date(2026, 11, 20)
BY_JOY: dict[str, Any] = {"person": "joy", "evidence": "mail of today"}
RULES = PLAYBOOK.burden
assert RULES is not None


def partnering() -> Story:
    return Story(date(2026, 10, 15)).effective().on(MONDAY)


def reviewing() -> Story:
    return partnering().do("sir open", "marcus", framework="practice-3@1")


def deliverable(story: Story, hours: int, due: date = DUE, title: str = "A") -> Story:
    return story.do("deliverable propose", "marcus", title=title, due=due, hours=hours)


def wave(story: Story, hours: int, due: date = DUE, title: str = "A") -> Story:
    return story.do("sir wave propose", "marcus", title=title, due=due, hours=hours)


def signed(story: Story, item: str) -> Story:
    what, body = sign(item)
    return story.do(what, "marcus", **body).do(what, **body, **BY_JOY)


def sign(item: str) -> tuple[str, dict[str, Any]]:
    if item.startswith("W"):
        return "sir wave sign", {"wave": item}
    return "deliverable sign", {"deliverable": item}


def months(story: Story) -> dict[date, Month]:
    return {m.first: m for m in by_month(story.state(), RULES)}


def month(story: Story, first: date) -> Month:
    return months(story).get(first, Month(first))


# What counts -------------------------------------------------------------------------------------


def finalized(story: Story) -> Story:
    areas = list(story.state().of(Review).areas)
    for area in areas:
        story.do("sir finding", "marcus", area=area, strength="s", need="n")
    story.do("sir draft", "marcus").do("sir waive", **BY_JOY)
    return story.do("sir finalize", "marcus", without_evidence=dict.fromkeys(areas, "none yet"))


def handed_in(story: Story) -> Story:
    return signed(story, "D1").do("deliverable submit", deliverable="D1", **BY_JOY)


COUNTED: dict[tuple[str, str], Callable[[Story], Story]] = {
    ("deliverable", "proposed"): lambda s: s,
    ("deliverable", "agreed"): lambda s: signed(s, "D1"),
    ("deliverable", "submitted"): handed_in,
    ("deliverable", "returned for another month"): lambda s: handed_in(s).do(
        "deliverable return", "marcus", deliverable="D1", due=date(2026, 12, 4), reason="more",
        **BY_JOY,
    ),
    ("deliverable", "accepted"): lambda s: handed_in(s).do(
        "deliverable accept", "marcus", deliverable="D1"
    ),
    ("wave", "proposed"): lambda s: s,
    ("wave", "agreed"): lambda s: signed(s, "W1"),
    ("wave", "received"): lambda s: signed(s, "W1").do("sir wave receive", wave="W1", **BY_JOY),
    ("wave", "dropped"): lambda s: s.do("sir wave drop", "marcus", wave="W1", reason="enough"),
    ("wave", "not received when the review is final"): lambda s: finalized(signed(s, "W1")),
}  # fmt: skip


@pytest.mark.parametrize(
    "row", table("burden.md", "What counts"), ids=lambda r: f"{r['What']}, {r['As it stands']}"
)
def test_an_ask_counts_as_the_table_says(row: Row) -> None:
    ask = {"deliverable": deliverable, "wave": wave}[row["What"]]
    story = COUNTED[row["What"], row["As it stands"]](ask(reviewing(), 10))
    counts, _, elsewhere = row["Counts"].partition(", ")
    found = month(story, DECEMBER if elsewhere else NOVEMBER)
    agreed, forecast = {"as agreed": (10, 10), "in the forecast": (0, 10), "not": (0, 0)}[counts]
    assert found.agreed == agreed
    assert found.forecast == sum(m.forecast for m in months(story).values()) == forecast


def test_the_table_names_every_case() -> None:
    rows = table("burden.md", "What counts")
    assert [(r["What"], r["As it stands"]) for r in rows] == list(COUNTED)


@pytest.mark.parametrize(
    "row", table("burden.md", "A month of the partnership"), ids=lambda r: r["What happens"]
)
def test_a_forecast_is_the_sum_of_everything_proposed(row: Row) -> None:
    asked = [
        HoursAsked(item, item, date(2027, 5, 14), Decimal(row[item]), agreed=False)
        for item in ("D2", "D3", "D4", "Survey", "Summit")
    ]
    [found] = by_month(State("engagement:x"), RULES, asked)
    assert (found.first, plain(found.forecast)) == (MAY, row["Forecast"])
    assert found.agreed == 0
    assert found.standing == f"40 h under; {row['Against the cap']}"


def test_what_is_agreed_stands_in_its_month_until_the_new_terms_are_signed() -> None:
    story = wave(reviewing(), 32)
    move = {"wave": "W1", "due": date(2026, 12, 4), "hours": 18, "reason": "clash"}
    steps: tuple[Callable[[], Story], ...] = (
        lambda: signed(story, "W1"),
        lambda: story.do("sir wave redate", "marcus", **move),
        lambda: story.do("sir wave sign", "marcus", wave="W1"),
        lambda: story.do("sir wave sign", wave="W1", **BY_JOY),
    )
    for row, step in zip(table("burden.md", "Moving what is agreed"), steps, strict=True):
        step()
        of = {"Nov": month(story, NOVEMBER), "Dec": month(story, DECEMBER)}
        for name, found in of.items():
            assert plain(found.agreed) == row[f"{name} agreed"], row["What happens"]
            assert plain(found.forecast) == row[f"{name} forecast"], row["What happens"]


@pytest.mark.parametrize(
    ("hours", "proposed", "limit", "said"),
    [
        (0, 0, 40, "40 h under"),
        (40, 0, 40, "at the cap"),
        (36, 0, 40, "4 h under"),
        (41, 0, 40, "1 h over"),
        (44, 0, 50, "4 h over, waived up to 50 h"),
        (32, 24, 40, "8 h under; 16 h over if all is signed"),
    ],
)
def test_a_month_says_how_it_stands(hours: int, proposed: int, limit: int, said: str) -> None:
    items = (
        HoursAsked("D1", "A", MAY, Decimal(hours), agreed=True),
        HoursAsked("D2", "B", MAY, Decimal(proposed), agreed=False),
    )
    assert Month(MAY, items, cap=Decimal(40), limit=Decimal(limit)).standing == said


def test_a_playbook_without_a_cap_has_a_table_without_one() -> None:
    [found] = by_month(deliverable(partnering(), 10).state(), None)
    assert (plain(found.forecast), found.cap, found.standing) == ("10", None, "no cap")


@pytest.mark.parametrize(("hours", "said"), [("6", "6"), ("40", "40"), ("3.50", "3.5"), ("0", "0")])
def test_hours_are_told_as_people_write_them(hours: str, said: str) -> None:
    assert plain(Decimal(hours)) == said


# The guard ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [deliverable, wave])
@pytest.mark.parametrize(
    "row",
    table("burden.md", "When it refuses"),
    ids=lambda r: f"{r['Agreed']} + {r['Asked for now']}, {r['Proposed']} proposed",
)
def test_a_month_takes_what_the_table_says(row: Row, ask: Callable[..., Story]) -> None:
    story = reviewing()
    if row["Agreed"] != "0":
        signed(deliverable(story, int(row["Agreed"]), title="Agreed"), "D1")
    if row["Proposed"] != "0":
        deliverable(story, int(row["Proposed"]), title="Proposed")
    kind = "sir wave propose" if ask is wave else "deliverable propose"
    hours = int(row["Asked for now"])
    proposing = story.when(kind, "marcus", title="Asked", due=LATER, hours=hours)
    if row["Proposing it"] == "TooMany":
        assert row["Signing it"] == "–"
        proposing.refuses(TooMany, f"{hours} h", "cap 40 h", "Split it", "burden waive", "2026-11")
        return
    [event] = proposing.records(WaveProposed if ask is wave else DeliverableProposed)
    assert isinstance(event, WaveProposed | DeliverableProposed)
    assert ("Beware: " in event.sentence()) == (row["Proposing it"] == "warned")
    item = event.wave if isinstance(event, WaveProposed) else event.deliverable
    what, body = sign(item)
    for who, lea in (("marcus", {}), ("tess", BY_JOY)):
        if row["Signing it"] == "TooMany":
            story.when(what, who, **body, **lea).refuses(TooMany, f"{item} 'Asked'", "1 h over")
        else:
            story.do(what, who, **body, **lea)
    agreed = int(row["Agreed"]) + (0 if row["Signing it"] == "TooMany" else hours)
    assert month(story, NOVEMBER).agreed == agreed


def test_a_refusal_shows_the_whole_month_and_every_way_out() -> None:
    story = signed(wave(reviewing(), 32, title="Plans"), "W1")
    signed(deliverable(story, 6, title="Theory"), "D1")
    deliverable(story, 9, LATER, title="Measures")
    message = story.when("deliverable sign", "marcus", deliverable="D2").refuses(
        TooMany, "November 2026", "W1 'Plans' 32 h", "D1 'Theory' 6 h", "D2 'Measures' 9 h (asked",
        "in all 47 h, cap 40 h in dta-sir@3, 7 h over", "Split", "merge", "move", "drop",
        "a director waives the cap: handrail burden waive alder-creek-usd 2026-11 --hours 47",
        "handrail burden show alder-creek-usd",
    )  # fmt: skip
    assert "W2" not in message


def test_a_proposal_names_the_month_that_it_would_bring_over_the_cap() -> None:
    story = deliverable(partnering(), 30)
    [event] = story.when("deliverable propose", "marcus", title="B", due=LATER, hours=26).records(
        DeliverableProposed
    )
    assert event.sentence().endswith(
        "Beware: if all that is proposed were signed, Nov 2026 would ask 56 LEA hours, "
        "over the cap of 40."
    )


def test_new_terms_are_held_to_the_cap_as_well() -> None:
    story = signed(wave(reviewing(), 30), "W1")
    signed(wave(story, 18, date(2026, 12, 4), title="B"), "W2")
    more = {"wave": "W2", "due": DUE, "reason": "sooner"}
    story.when("sir wave redate", "marcus", **more, hours=41).refuses(TooMany, "41 h", "2026-11")
    story.do("sir wave redate", "marcus", **more)
    story.when("sir wave sign", wave="W2", **BY_JOY).refuses(TooMany, "in all 48 h")
    # Ten hours fit.
    story.do("sir wave redate", "marcus", **more, hours=10)
    signed(story, "W2")
    assert month(story, NOVEMBER).agreed == 40
    assert month(story, DECEMBER).agreed == 0


def test_an_agreed_item_is_not_counted_beside_its_own_new_terms() -> None:
    story = signed(wave(reviewing(), 32), "W1")
    story.do("sir wave redate", "marcus", wave="W1", due=LATER, hours=40, reason="more schools")
    story.do("sir wave sign", "marcus", wave="W1")
    story.when("sir wave sign", wave="W1", **BY_JOY).records(WaveSigned, WaveAgreed)
    assert month(story, NOVEMBER).agreed == 40


def test_what_makes_a_month_no_worse_is_signed_although_the_month_is_over() -> None:
    story = signed(wave(reviewing(), 40), "W1")
    assert story.playbook is not None
    lower = BurdenRules(cap_hours=Decimal(30), waiver="director")
    story.playbook = story.playbook.model_copy(update={"burden": lower})
    story.do("sir wave redate", "marcus", wave="W1", due=LATER, hours=30, reason="less")
    story.do("sir wave redate", "marcus", wave="W1", due=LATER, hours=28, reason="less still")
    signed(story, "W1")
    assert month(story, NOVEMBER).agreed == 28


def test_a_month_that_is_over_takes_fewer_hours_but_no_more() -> None:
    story = partnering()
    signed(deliverable(story, 20, title="A"), "D1")
    signed(deliverable(story, 20, title="B"), "D2")
    assert story.playbook is not None
    lower = BurdenRules(cap_hours=Decimal(30), waiver="director")
    story.playbook = story.playbook.model_copy(update={"burden": lower})
    # Another day of the same month asks for no more than was agreed.
    story.do("deliverable redate", "marcus", deliverable="D1", due=LATER, reason="clash")
    signed(story, "D1")
    deliverable(story, 1, title="C")
    story.when("deliverable sign", "marcus", deliverable="D3").refuses(TooMany, "41 h", "cap 30 h")


def test_a_return_agrees_and_is_held_to_the_cap() -> None:
    story = signed(deliverable(partnering(), 20), "D1")
    signed(deliverable(story, 30, date(2026, 12, 4), title="B"), "D2")
    story.do("deliverable submit", deliverable="D1", **BY_JOY)
    back = {"deliverable": "D1", "due": date(2026, 12, 11), "reason": "more", **BY_JOY}
    story.when("deliverable return", "dana", **back).refuses(TooMany, "December 2026", "50 h")
    story.when("deliverable return", "dana", **back, waive_burden="they asked for it").records(
        BurdenWaived, DeliverableReturned, DeliverableAgreed
    )


def test_a_playbook_without_a_cap_refuses_nothing() -> None:
    story = partnering()
    story.playbook = PLAYBOOK.model_copy(update={"burden": None})
    signed(deliverable(story, 500), "D1")
    story.when("burden waive", "dana", month="2026-11", hours=50, reason="r").refuses(
        WrongState, "dta-sir@3", "no cap", "handrail burden show"
    )


# An evidence request of 86 hours -----------------------------------------------------------------


def test_a_request_is_split_into_waves_and_what_the_county_holds_is_spared() -> None:
    story = reviewing()
    story.when("sir wave propose", "marcus", title="All", due=DUE, hours=86).refuses(
        TooMany, "W1 'All' 86 h", "cap 40 h", "46 h over"
    )
    for row in table("burden.md", "An evidence request of 86 hours"):
        wave(story, int(row["Proposed for"]), day(row["Due"]), title=row["Wave"])
        if row["Spared"] != "0":
            [event] = story.when(
                "sir wave spare", "marcus", wave=row["Wave"], part="LCAP and budget files",
                hours=int(row["Spared"]), held_by="the county office", reason="folder",
            ).records(WaveSpared)  # fmt: skip
            assert "which the county office holds already" in event.sentence()
        signed(story, row["Wave"])
        found = story.state().of(Review).waves[row["Wave"]]
        assert (found.due, found.hours) == (day(row["Due"]), Decimal(row["Agreed for"]))
    assert [m.agreed for m in months(story).values()] == [32, 18, 30]


def test_sparing_lightens_what_is_agreed_and_what_is_proposed() -> None:
    story = signed(wave(reviewing(), 32), "W1")
    story.do("sir wave redate", "marcus", wave="W1", due=LATER, hours=38, reason="more schools")
    story.do("sir wave spare", wave="W1", part="LCAP", hours=6, held_by="the county")
    found = story.state().of(Review).waves["W1"]
    assert (found.hours, found.proposed_hours) == (Decimal(26), Decimal(32))
    assert found.spared == (Spared("LCAP", Decimal(6), "the county"),)


@pytest.mark.parametrize(
    ("hours", "kind"), [(31, None), (32, Invalid), (40, Invalid)], ids=["1 left", "none", "fewer"]
)
def test_a_wave_from_which_all_is_spared_is_dropped(hours: int, kind: type[Refused] | None) -> None:
    story = wave(reviewing(), 32)
    body = {"wave": "W1", "part": "LCAP", "hours": hours, "held_by": "the county"}
    if kind:
        story.when("sir wave spare", **body).refuses(kind, "32 LEA hours", "handrail sir wave drop")
    else:
        story.when("sir wave spare", **body).records(WaveSpared)


def test_a_part_is_spared_once_and_from_today() -> None:
    story = wave(reviewing(), 32)
    body = {"wave": "W1", "part": "LCAP", "hours": 6, "held_by": "the county"}
    story.on(date(2026, 11, 3)).do("sir wave spare", **body)
    story.when("sir wave spare", **{**body, "part": "lcap"}).refuses(AlreadyExists, "'LCAP'", "6")
    other = {**body, "part": "Calendars"}
    story.when("sir wave spare", effective=MONDAY, **other).refuses(ImpossibleDate, "2 Nov 2026")
    story.do("sir wave drop", "marcus", wave="W1", reason="enough")
    story.when("sir wave spare", **other).refuses(WrongState, "dropped (enough)")


# Waivers -----------------------------------------------------------------------------------------

WHO = {"Director": "dana", "Lead": "marcus", "Assistant": "tess"}


@pytest.mark.parametrize(
    "row",
    table("burden.md", "Waiving the cap"),
    ids=lambda r: f"{r['Who']}, {r['Month']}, {r['Hours']}",
)
def test_the_cap_is_waived_as_the_table_says(row: Row) -> None:
    body = {"month": row["Month"], "hours": row["Hours"], "reason": "two people are freed"}
    when = partnering().when("burden waive", WHO[row["Who"]], **body)
    if row["Answer"] == "allowed":
        [event] = when.records(BurdenWaived)
        assert isinstance(event, BurdenWaived)
        assert (event.month, plain(event.hours), plain(event.cap)) == (
            NOVEMBER,
            "44",
            "40",
        )
        assert (event.authority, event.reason.about) == ("p-dana", f"engagement:{ALDER}")
    else:
        when.refuses(getattr(refusals, row["Answer"]))


def test_up_to_what_was_allowed_is_signed_and_no_further() -> None:
    story = signed(wave(reviewing(), 32), "W1")
    story.do("burden waive", "dana", month="2026-11", hours="44", reason="two people are freed")
    signed(wave(story, 12, LATER, title="B"), "W2")
    assert month(story, NOVEMBER).standing == "4 h over, waived up to 44 h"
    wave(story, 1, LATER, title="C")
    story.when("sir wave sign", "marcus", wave="W3").refuses(
        TooMany, "cap 40 h", "44 h allowed", "1 h over", "--hours 45"
    )
    story.when("burden waive", "dana", month="2026-11", hours="44", reason="r").refuses(
        AlreadyExists, "up to 44 LEA hours", "November 2026"
    )
    story.do("burden waive", "dana", month="2026-11", hours="45.5", reason="one more")
    signed(story, "W3")


def test_a_waiver_of_one_month_allows_nothing_in_another() -> None:
    story = reviewing().do("burden waive", "dana", month="2026-11", hours="90", reason="r")
    wave(story, 86)
    story.when("sir wave propose", "marcus", title="B", due=date(2026, 12, 4), hours=41).refuses(
        TooMany, "December 2026"
    )


def test_whoever_may_waive_it_does_so_with_the_act_itself() -> None:
    story = signed(deliverable(partnering(), 32), "D1")
    deliverable(story, 12, title="B")
    body = {"deliverable": "D2", "waive_burden": "two people are freed"}
    story.when("deliverable sign", "marcus", **body).refuses(
        WrongPerson, "p-marcus", "only a director", "handrail burden waive alder-creek-usd"
    )
    [event, _] = story.when("deliverable sign", "dana", **body, **BY_JOY).records(
        BurdenWaived, DeliverableSigned
    )
    assert isinstance(event, BurdenWaived)
    assert (event.month, plain(event.hours), event.authority) == (NOVEMBER, "44", "p-dana")
    # What the Director allowed holds for the Lead's signature.
    story.do("deliverable sign", "marcus", deliverable="D2")
    assert month(story, NOVEMBER).agreed == 44


def test_a_waiver_that_is_not_needed_is_not_recorded() -> None:
    partnering().when(
        "deliverable propose", "tess", title="A", due=DUE, hours=40, waive_burden="to be sure"
    ).records(DeliverableProposed)


def test_a_cap_that_nobody_may_waive_stands() -> None:
    story = partnering()
    hard = BurdenRules(cap_hours=Decimal(40))
    story.playbook = PLAYBOOK.model_copy(update={"burden": hard})
    propose: dict[str, Any] = {"title": "A", "due": DUE, "hours": 41}
    message = story.when("deliverable propose", "dana", **propose).refuses(
        TooMany, "the cap cannot be waived"
    )
    assert "handrail burden waive" not in message
    story.when("deliverable propose", "dana", **propose, waive_burden="r").refuses(
        WrongPerson, "nobody may"
    )


@pytest.mark.parametrize(
    "values",
    [
        {"month": "2026-13"},
        {"month": "November"},
        {"month": "2026-1"},
        {"month": "0000-01"},
        {"hours": "0"},
        {"hours": "-3"},
        {"hours": "NaN"},
        {"hours": "100000"},
        {"reason": " "},
    ],
    ids=str,
)
def test_a_waiver_that_cannot_be_is_not_read(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        made("burden waive", **{"month": "2026-11", "hours": "50", "reason": "r", **values})


def test_a_waiver_is_not_dated_ahead() -> None:
    partnering().when(
        "burden waive", "dana", effective=date(2026, 11, 3), month="2026-11", hours=50, reason="r"
    ).refuses(ImpossibleDate, "Tue 3 Nov 2026")


# Collisions --------------------------------------------------------------------------------------


@pytest.fixture
def summit(monkeypatch: pytest.MonkeyPatch) -> None:
    def days_of(state: State) -> Iterable[Away]:
        yield Away("Summit Y1-2", date(2027, 1, 21), date(2027, 1, 22))

    monkeypatch.setattr(burden, "_ELSEWHERE", [*burden._ELSEWHERE, days_of])


@pytest.mark.usefixtures("summit")
@pytest.mark.parametrize(
    ("due", "warned"),
    [
        (date(2027, 1, 20), False),
        (date(2027, 1, 21), True),
        (date(2027, 1, 22), True),
        (date(2027, 1, 25), False),
    ],
)
def test_a_due_date_on_a_day_of_a_summit_is_warned_of(due: date, *, warned: bool) -> None:
    story = reviewing()
    [event] = story.when("sir wave propose", "marcus", title="A", due=due, hours=30).records(
        WaveProposed
    )
    words = "Beware: the due date falls on Summit Y1-2 (Thu 21 Jan 2027 to Fri 22 Jan 2027)."
    assert event.sentence().endswith(words) == warned
    # Only a warning: both may sign it all the same.
    signed(story, "W1")


def test_a_recess_that_is_set_later_shows_what_falls_into_it() -> None:
    story = signed(wave(reviewing(), 30, date(2027, 1, 20)), "W1")
    ski = Closure(name="ski week", first=date(2027, 1, 18), last=date(2027, 1, 22))
    days = WorkingDays(CALENDAR, [*RECESS, ski], "school")
    found = collisions("W3", date(2027, 1, 20), story.state(), days)
    assert found == ["ski week"]
    assert collisions("W3", date(2027, 1, 25), story.state(), days) == []


# Whatever happens --------------------------------------------------------------------------------


@st.composite
def asks(draw: st.DrawFn) -> tuple[str, str, int, dict[str, Any]]:
    item = draw(st.sampled_from(["D1", "D2", "D3", "W1", "W2"]))
    hours = draw(st.sampled_from([8, 17, 25, 40, 41]))
    waiver = draw(st.sampled_from([None, None, "needed"]))
    kind = draw(st.sampled_from(["propose", "sign", "sign", "sign", "redate", "spare", "waive"]))
    body: dict[str, Any]
    if kind == "waive":
        return "burden waive", "dana", 0, {"month": "2026-12", "hours": "50", "reason": "r"}
    if kind == "spare":
        return "sir wave spare", "dana", 0, {
            "wave": item, "part": draw(st.sampled_from("AB")), "hours": 7, "held_by": "county",
        }  # fmt: skip
    noun = "sir wave" if item.startswith("W") else "deliverable"
    field = "wave" if item.startswith("W") else "deliverable"
    lea = draw(st.booleans())
    if kind == "propose":
        body = {"title": draw(st.sampled_from("ABC")), "hours": hours}
    elif kind == "sign":
        body = {field: item, **(BY_JOY if lea else {})}
    else:
        body = {field: item, "reason": "r", **({"hours": hours} if field == "wave" else {})}
    actor = "dana" if kind != "sign" or lea else "marcus"
    ahead = draw(st.integers(1, 60)) if kind != "sign" else 0
    return f"{noun} {kind}", actor, ahead, {**body, "waive_burden": waiver}


@whatever_happens
@given(st.lists(asks(), max_size=25))
def test_no_month_is_ever_agreed_over_what_was_allowed(plot: list[Any]) -> None:
    story = reviewing()
    for what, actor, ahead, body in plot:
        due = {"due": story.today + timedelta(days=ahead)} if ahead else {}
        with suppress(Refused):
            story.do(what, actor, **body, **due)
        for found in months(story).values():
            assert found.limit is not None
            assert found.agreed <= found.limit
    assert {w.authority for w in story.state().of(Burden).waived} <= {"p-dana"}
    history = story.history()
    assert fold(f"engagement:{ALDER}", history) == story.state()
    for recorded in history:
        state = fold(f"engagement:{ALDER}", as_true(history, recorded.stamp.effective_at, "UTC"))
        assert all(m.forecast >= 0 for m in by_month(state, RULES))

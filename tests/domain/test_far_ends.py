"""The last day, hour and number that may be written break no rule, whichever command says them.

By type: every command with a day or a number says the least and the most it may, on engagements
that stand at different places; whatever comes of it, the stream goes on.
"""

import copy
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Union, get_args, get_origin

import annotated_types
import pytest
from pydantic.fields import FieldInfo

from domain.engagement.burden import by_month
from domain.kernel.bounds import FIRST_DAY, LAST_DAY
from domain.kernel.messages import EngagementCommand
from domain.kernel.refusals import Refused
from domain.outlook.rehearsal import as_signed, rehearsed
from domain.owing.obligations import obligations
from domain.reminders.claiming import next_wake
from domain.rules.context import SYSTEM
from domain.rules.registry import COMMANDS
from tests.domain.engagement.test_engagement import BODIES
from tests.domain.journey.test_statutes import begun as statutes_begun
from tests.domain.money.test_appropriations import BODY as MONEY
from tests.domain.review.test_review import FINAL as REPORTED
from tests.domain.review.test_review import final as review_is_final
from tests.domain.story import ALDER, CALENDAR, ENGAGEMENT, PLAYBOOK, PURPOSES, Story
from tests.domain.summits.test_summits import PLAN

DUE = date(2027, 5, 14)
LEA = {"person": "joy", "evidence": "mail"}
DAYS = [FIRST_DAY, date(2000, 2, 29), LAST_DAY]

OTHERS: dict[str, dict[str, Any]] = {
    "person register": {"handle": "zoe", "name": "Zoe Diaz", "email": "z@agency.example",
                        "role": ("lead",)},
    "lea register": {"id": "salt-flat", "name": "Salt Flat Elementary"},
    "lea recess": {"lea": ALDER, "name": "ski week", "first": "2027-02-15", "last": "2027-02-19"},
    "lea recess-undo": {"lea": ALDER, "name": "fog days"},
    "lea works": {"lea": ALDER, "on": "2026-11-27"},
    "lea works-undo": {"lea": ALDER, "on": "2026-11-11"},
    "lea fact": {"lea": ALDER, "attribute": "enrollment", "value": "3220", "source": "s",
                 "as_of": "2026-08-01"},
    "lea classify": {"lea": ALDER, "unduplicated": "71.5"},
    "lea close": {"lea": ALDER, "on": "2027-07-01"},
    "summit plan": {**PLAN, "summit": "Y1-9"},
    "summit enter": {"summit": "Y1-8", "title": "Fall summit", "first": "2021-10-04",
                     "last": "2021-10-05", "place": "Fresno", "hours": 12},
    "summit reschedule": {"summit": "Y1-1", "to": DUE, "reason": "r"},
    "summit session add": {"summit": "Y1-1", "day": 1, "title": "Data", "triad": ("what",),
                           "content": "data-focus"},
    "appropriation record": {**MONEY, "appropriation": "other"},
    "appropriation correct": {"appropriation": "dta", "amount": "650", "reason": "r"},
    "calendar publish": {"content": {**CALENDAR.model_dump(), "version": 9}},
    "playbook publish": {"content": {**PLAYBOOK.model_dump(), "version": 9}},
    "framework publish": {"content": {"id": "f", "version": 1, "title": "F", "source": "s",
                                      "areas": [{"id": "a", "name": "A"}]}},
}  # fmt: skip
OPENING = {"lea": "ACUSD", "lead": "marcus", "director": "dana"}
BETTER: dict[str, dict[str, Any]] = {
    "agreement draft": {"type": "data-sharing"},
    "commitment add": {**BODIES["commitment add"], "by": date(2028, 1, 14)},
    "commitment redate": {**BODIES["commitment redate"], "by": date(2028, 1, 14)},
    "reminders snooze": {**BODIES["reminders snooze"], "until": date(2026, 8, 20)},
    "sir present": {"meeting": REPORTED},
}
"""Where what others say of an engagement fits none of these."""
EVERY = {**BODIES, **OTHERS, **BETTER, "engagement open": OPENING}
BY_ITSELF = {"entry correct", "entry retract", "person change"}
"""They need an entry's number, or a directory; tests/cli/test_beyond_reason.py types them."""


def begun() -> Story:
    story = Story().opened()
    story.do("lea works", lea=ALDER, on="2026-11-11")
    story.do("lea recess", lea=ALDER, name="fog days", first="2027-01-25", last="2027-01-26")
    return story.do("appropriation record", "dana", **MONEY)


def submitted() -> Story:
    return Story().drafted().do("board submit", board="lea", meeting=DUE, at="18:00")


def after_the_meeting() -> Story:
    return submitted().on(date(2027, 5, 17))


def with_statutes() -> Story:
    return statutes_begun(date(2027, 2, 2))


def with_one_met() -> Story:
    return with_statutes().do("statute done", statute="lcap-mid-year", year=2027, **LEA)


def under_way() -> Story:
    """Most things that an engagement can have."""
    story = begun()
    for group in (g.id for g in PLAYBOOK.stakeholder_groups):
        story.do("conversation log", "marcus", group=group)
    story.do("fit decide", "marcus", **BODIES["fit decide"]).do("agreement draft")
    for board in ("lea", "ccee"):
        story.do("agreement act", board=board, action="approved", meeting=story.today)
    story.do("sir open", framework="sir-12@2019")
    for deliverable in ("D1", "D2"):
        story.proposed(DUE, f"Plan {deliverable}").signed(deliverable)
    story.do("sir wave propose", "marcus", title="Budget", due=DUE, hours=3)
    story.do("sir wave sign", "marcus", wave="W1").by_the_lea("sir wave sign", wave="W1")
    story.do("focus set", "marcus", text="Reading")
    story.do("measure add", "marcus", **BODIES["measure add"])
    story.do("dashboard record", "marcus", **BODIES["dashboard record"])
    story.do("investment add", "dana", amount="900", purpose="coaching", appropriation="dta")
    story.do("summit plan", **PLAN).do("summit invite", summit=PLAN["summit"])
    return story.do("survey ask", "marcus", due=DUE, hours="2")


def handing_over() -> Story:
    story = under_way().do("deliverable submit", deliverable="D1", **LEA)
    story.do("leader leave", person="elena", last_day=date(2026, 9, 1))
    return story.do("lead handover", "marcus", to="priya", reason="r", effective=date(2026, 9, 15))


def at_the_check_in() -> Story:
    story = under_way().on(date(2027, 8, 10))
    story.do("checkin hold", "marcus")
    return story.do("survey record", "marcus", **BODIES["survey record"])


def after_the_check_in() -> Story:
    story = at_the_check_in()
    promised = ("2027-10-01/joy=Name a coach",)
    return story.do("checkin close", "marcus", purpose=PURPOSES, commitment=promised)


WORLDS: dict[str, Callable[[], Story]] = {
    "nothing": Story, "begun": begun, "submitted": submitted,
    "after the meeting": after_the_meeting,
    "with statutes": with_statutes, "with one met": with_one_met,
    "review is final": review_is_final, "under way": under_way,
    "handing over": handing_over, "at the check-in": at_the_check_in,
    "after the check-in": after_the_check_in,
}  # fmt: skip


@pytest.fixture(scope="module")
def worlds() -> dict[str, Story]:
    return {name: build() for name, build in WORLDS.items()}


def another(story: Story) -> Story:
    """The same story, to be told another way."""
    other = copy.copy(story)
    for name in ("histories", "entries"):
        setattr(other, name, {k: list(v) for k, v in getattr(story, name).items()})
    for name in ("states", "people", "leas", "versions", "mails", "news"):
        setattr(other, name, copy.copy(getattr(story, name)))
    return other


def ends(annotation: Any, metadata: tuple[Any, ...] = ()) -> Iterator[Any]:
    """The least and the most that a field of one value may say."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        yield from ends(inner, (*metadata, *more))
    elif get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        for part in get_args(annotation):
            yield from ends(part, metadata)
    elif annotation is date:
        yield from DAYS
    elif annotation in (int, Decimal):
        marks = [n for m in metadata for n in (m.metadata if isinstance(m, FieldInfo) else [m])]
        for mark in marks:
            if isinstance(mark, annotated_types.Ge):
                yield annotation(str(mark.ge))
            elif isinstance(mark, annotated_types.Le):
                yield annotation(str(mark.le))
        if any(getattr(m, "max_digits", None) for m in marks):
            digits = next(m.max_digits for m in marks if getattr(m, "max_digits", None))
            places = next((m.decimal_places or 0 for m in marks if hasattr(m, "decimal_places")), 0)
            most = Decimal(10) ** (digits - places) - Decimal(10) ** -places
            yield from (most, -most)


def said() -> Iterator[tuple[str, str, Any]]:
    for kind, command in COMMANDS.items():
        if not command.internal and kind not in BY_ITSELF:
            for name, field in command.model_fields.items():
                for value in ends(field.annotation, tuple(field.metadata)):
                    yield kind, name, value


def actors(kind: str) -> tuple[str, ...]:
    return ("dana",) if kind in ("calendar publish", "playbook publish") else ("marcus", "dana")


def given(worlds: dict[str, Story], kind: str, effective: date | None, **body: Any) -> list[str]:
    """Where a command is recorded; wherever it is or is not, all goes on."""
    recorded = []
    for name, world in worlds.items():
        for actor in actors(kind):
            story = another(world)
            try:
                story.do(kind, actor, effective=effective, **{**EVERY[kind], **body})
            except Refused:
                continue
            recorded.append(name)
            goes_on(story, kind)
            break
    return recorded


def goes_on(story: Story, kind: str) -> None:
    """Reckon everything about it, let time pass, and give another command."""
    state, context = story.state(), story.context(SYSTEM, None)
    obligations(state, context)
    next_wake(state, context)
    if state.version:
        list(by_month(as_signed(state, context), PLAYBOOK.burden))
        rehearsed(state, context, story.now + timedelta(days=120), {})
    money = story.state("appropriation:dta")
    obligations(money, context)
    next_wake(money, context)
    story.until(story.now + timedelta(days=40))
    if story.engagement.is_open and kind != "engagement open":
        story.do("conversation log", "marcus", group="parents")


@pytest.mark.parametrize("kind", [k for k in EVERY if k in {kind for kind, _, _ in said()}])
def test_every_command_with_a_day_or_a_number_is_recorded_somewhere(
    worlds: dict[str, Story], kind: str
) -> None:
    assert given(worlds, kind, None)


@pytest.mark.parametrize(
    ("kind", "name"), list(dict.fromkeys((kind, name) for kind, name, _ in said()))
)
def test_the_least_and_the_most_that_may_be_said_break_nothing(
    worlds: dict[str, Story], kind: str, name: str
) -> None:
    for value in [v for k, n, v in said() if (k, n) == (kind, name)]:
        try:
            COMMANDS[kind].model_validate(
                {"engagement": ALDER, **EVERY[kind], name: value}
                if issubclass(COMMANDS[kind], EngagementCommand)
                else {**EVERY[kind], name: value}
            )
        except ValueError:
            continue  # Two values of one command that cannot be said together.
        given(worlds, kind, None, **{name: value})


@pytest.mark.parametrize("kind", EVERY)
def test_whenever_it_came_true_a_fact_breaks_nothing(worlds: dict[str, Story], kind: str) -> None:
    some = {name: worlds[name] for name in ("nothing", "begun", "under way")}
    for day in (FIRST_DAY, LAST_DAY):
        given(some, kind, day)


def test_every_command_that_people_give_is_tried() -> None:
    tried: set[str] = {kind for kind, _, _ in said()}
    assert tried <= set(EVERY)
    assert len(tried) > 50


def test_the_ends_are_those_of_the_models() -> None:
    found = set(said())
    assert ("board post", "on", LAST_DAY) in found
    assert ("survey drop", "year", 20) in found
    assert ("deliverable propose", "hours", Decimal(2000)) in found
    assert any(kind == "investment add" and value > 10**9 for kind, _, value in found
               if isinstance(value, Decimal))  # fmt: skip
    assert f"engagement:{ALDER}" == ENGAGEMENT

"""The demonstration's data: facts with their sources, silences kept, nothing invented unmarked."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.deliverables.proposing import ProposeDeliverable
from domain.kernel.fields import option_name
from domain.policy.calendar import CalendarPack, WorkingDays
from domain.program.leas import RegisterLea
from domain.program.people import MailAddress
from domain.rules.registry import COMMANDS
from examples.cohort import (
    ALDER_CREEK,
    INVESTMENTS,
    LEAS,
    PEOPLE,
    Deed,
    deeds,
    journey,
    load,
    stated_total,
)

pytestmark = pytest.mark.slow

TWELVE = {
    "ace",
    "auhsd",
    "bsusd",
    "dpol",
    "kcsos",
    "lausd-ldc",
    "nusd",
    "pvusd",
    "pusd",
    "smcsd",
    "vvuhsd",
    "ycsc",
}
NOT_STATED = 74


def facts() -> list[tuple[str, dict[str, Any]]]:
    return [(row["id"], fact) for row in load(LEAS) for fact in row["facts"]]


def fact(lea: str, name: str) -> dict[str, Any]:
    [found] = [f for of, f in facts() if of == lea and f["name"] == name]
    return found


def test_the_twelve_leas_of_the_report_can_be_registered() -> None:
    fields = {option_name(name, field): name for name, field in RegisterLea.model_fields.items()}
    registered = [
        RegisterLea.model_validate({fields[column]: value for column, value in row.items()})
        for row in load(LEAS)
    ]

    assert {lea.id for lea in registered} == TWELVE
    assert not any(row.get("illustrative") for row in load(LEAS))


def test_every_fact_and_every_amount_says_where_it_was_read() -> None:
    sources = [fact["source"] for _, fact in facts()]
    sources += [row["source"] for row in (*load(LEAS), *load(INVESTMENTS))]

    assert all(source.startswith("Pilot Partnership report, lines ") for source in sources)


def test_what_the_report_does_not_say_stays_null() -> None:
    silent = [(lea, fact["name"]) for lea, fact in facts() if fact["value"] is None]

    assert len(silent) == NOT_STATED
    assert ("ace", "enrolment") in silent
    assert ("dpol", "actions") in silent
    assert {row["id"] for row in load(LEAS) if row["county"] is None} == {"lausd-ldc", "nusd"}


def test_a_figure_keeps_its_qualifier_and_its_scope() -> None:
    assert fact("smcsd", "English learners, percent") == {
        "name": "English learners, percent",
        "value": 31,
        "qualifier": "nearly",
        "scope": "Bayside only",
        "source": "Pilot Partnership report, lines 212-216, 282-286",
    }


def test_every_contradiction_inside_the_report_is_a_fact() -> None:
    found = {fact["name"] for _, fact in facts() if fact["name"].startswith("discrepancy")}

    assert found == {f"discrepancy X{number}" for number in range(1, 9)}


def test_the_stated_investments_sum_to_what_we_say_of_them() -> None:
    rows = load(INVESTMENTS)

    assert len(rows) == 14
    assert stated_total() == Decimal(1_524_500)
    assert TWELVE - {row["engagement"] for row in rows} == {"bsusd", "pusd"}
    assert not any("fy" in row or row.get("illustrative") for row in rows)


def test_every_address_is_one_that_nobody_can_have() -> None:
    addresses: list[MailAddress] = [row["email"] for row in load(PEOPLE)]

    assert [a for a in addresses if not a.endswith(".example")] == []


def test_a_real_lea_has_a_role_for_a_contact_and_never_a_person() -> None:
    at_leas = {row["handle"]: row for row in load(PEOPLE) if row.get("organisation") in TWELVE}

    assert set(at_leas) == {f"{lea}-contact" for lea in TWELVE}
    assert all(row["name"].endswith(" contact (illustrative)") for row in at_leas.values())
    assert all(row["illustrative"] for row in (*load(PEOPLE), *load(ALDER_CREEK)))


def test_only_the_fictional_district_is_ever_refused() -> None:
    story = journey()

    refused = {deed.engagement for deed in deeds(story) if deed.refused}
    assert refused == {story.alder_creek.engagement}
    assert story.alder_creek.engagement not in TWELVE


def test_the_twelve_go_the_same_way() -> None:
    story = journey()
    ways: dict[str, list[str]] = {}
    for deed in deeds(story):
        if deed.engagement in TWELVE:
            assert deed.command is not None
            ways.setdefault(deed.engagement, []).append(deed.command.kind())

    assert set(ways) == TWELVE
    assert len({tuple(way) for way in ways.values()}) == 1
    assert {"deliverable return", "deliverable redate", "engagement withdraw"}.isdisjoint(
        ways["ace"]
    )


def test_every_due_date_is_a_working_day_and_every_deliverable_neutral(
    calendar: CalendarPack,
) -> None:
    days = WorkingDays(calendar)
    proposed: list[tuple[Deed, ProposeDeliverable]] = [
        (deed, deed.command)
        for deed in deeds(journey())
        if isinstance(deed.command, ProposeDeliverable)
    ]

    assert {p.due: days.why_not(p.due) for _, p in proposed if days.why_not(p.due)} == {}
    of_the_twelve = [p.title for deed, p in proposed if deed.engagement in TWELVE]
    assert len(of_the_twelve) == 2 * len(TWELVE)
    assert all(title.endswith("(illustrative)") for title in of_the_twelve)


@pytest.mark.parametrize("day", [date(2017, 8, 8), date(2018, 2, 22), date(2019, 9, 10)], ids=str)
def test_the_shift_keeps_the_weekday(day: date) -> None:
    shifted = day.replace(year=day.year + journey().shift_years)

    assert shifted.weekday() == day.weekday()


def test_every_row_names_a_command_that_people_give() -> None:
    rows = [*load(INVESTMENTS), *journey().cohort.rows, *journey().alder_creek.rows]

    kinds = {COMMANDS[row["command"]] for row in rows if "command" in row}
    assert not any(kind.internal for kind in kinds)

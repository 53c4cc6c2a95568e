"""Where every deliverable is, and with whom."""

from datetime import date

from domain.outlook.whereabouts import Whereabouts, whereabouts
from tests.domain.story import Story

DUE = date(2027, 4, 16)


def begun() -> Story:
    return Story(date(2027, 3, 2)).effective()


def d1(story: Story) -> Whereabouts:
    return whereabouts(story.state())[0]


def test_what_is_proposed_waits_for_whoever_has_not_signed() -> None:
    story = begun().proposed(DUE, "D1")
    assert d1(story).waits_on == d1(story).unsigned == ("agency", "lea")
    assert (d1(story).status, d1(story).due, d1(story).proposed_due) == ("proposed", None, DUE)
    story.do("deliverable sign", "marcus", deliverable="D1")
    assert d1(story).waits_on == d1(story).unsigned == ("lea",)


def test_what_is_agreed_waits_for_the_lea_and_what_was_handed_in_for_the_agency() -> None:
    story = begun().proposed(DUE, "D1").signed("D1")
    assert (d1(story).status, d1(story).due, d1(story).waits_on) == ("agreed", DUE, ("lea",))
    story.do("deliverable submit", deliverable="D1", person="joy", evidence="mail of today")
    assert (d1(story).status, d1(story).waits_on) == ("submitted", ("agency",))
    story.do("deliverable accept", "marcus", deliverable="D1")
    assert (d1(story).status, d1(story).waits_on) == ("accepted", ())


def test_another_date_on_the_table_waits_for_signatures_beside_the_work() -> None:
    story = begun().proposed(DUE, "D1").signed("D1")
    story.do(
        "deliverable redate", "marcus", deliverable="D1", due=date(2027, 5, 14), reason="a vacancy"
    )
    story.do("deliverable sign", "marcus", deliverable="D1")
    assert (d1(story).due, d1(story).proposed_due) == (DUE, date(2027, 5, 14))
    assert (d1(story).unsigned, d1(story).waits_on) == (("lea",), ("lea",))


def test_it_is_overdue_from_the_day_after_its_date_unless_it_rests() -> None:
    story = begun().proposed(DUE, "D1").signed("D1")
    assert not d1(story).overdue(DUE)
    assert d1(story).overdue(date(2027, 4, 17))
    story.do("engagement hold", "marcus", item=["D1"], reason="the office moves")
    assert d1(story).held
    assert not d1(story).overdue(date(2027, 4, 17))
    story.do("engagement resume", "marcus", item=["D1"])
    assert not d1(story).held


def test_nobody_has_anything_to_do_once_the_engagement_is_over() -> None:
    story = begun().proposed(DUE, "D1").signed("D1").proposed(date(2027, 5, 14), "D2")
    story.do("engagement withdraw", "dana", reason="a vacancy")
    assert [(d.waits_on, d.unsigned, d.overdue(date(2027, 6, 1))) for d in
            whereabouts(story.state())] == [((), (), False)] * 2  # fmt: skip

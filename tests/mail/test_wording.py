from datetime import UTC, date, datetime, time

import pytest
from pydantic import ValidationError

from activities.mail.compose import compose
from activities.mail.digest import Digest
from activities.mail.wording import headline, shortened, subject
from tests.mail.digests import a_digest, an_item

OVERDUE = an_item(item="D3", title="Measures", due=date(2027, 3, 26))
LONG_OVERDUE = an_item(item="D4", title="Team charter", due=date(2027, 3, 1))
TODAY = an_item(item="D2", title="Root causes", due=date(2027, 4, 2))
AHEAD = an_item()


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        pytest.param(date(2027, 4, 16), "due Fri 16 Apr (in 14 days)", id="two weeks ahead"),
        pytest.param(date(2027, 4, 3), "due Sat 3 Apr (tomorrow)", id="tomorrow"),
        pytest.param(date(2027, 4, 2), "due today, Fri 2 Apr", id="the day itself"),
        pytest.param(date(2027, 4, 1), "was due Thu 1 Apr (1 day overdue)", id="one day over"),
        pytest.param(
            date(2027, 3, 19), "was due Fri 19 Mar (14 days overdue)", id="two weeks over"
        ),
        pytest.param(
            date(2028, 2, 29), "due Tue 29 Feb 2028 (in 333 days)", id="another year is named"
        ),
    ],
)
def test_the_subject_of_one_item_says_what_when_and_for_whom(due: date, expected: str) -> None:
    digest = a_digest(an_item(due=due))
    assert subject(digest) == f"D1 Theory of action: {expected} – Alder Creek USD"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param((AHEAD, AHEAD), "2 items due, the first Fri 16 Apr", id="all ahead"),
        pytest.param((AHEAD, TODAY), "2 items due, the first today", id="one of them today"),
        pytest.param(
            (OVERDUE, LONG_OVERDUE), "2 items overdue, the first since Mon 1 Mar", id="all over"
        ),
        pytest.param(
            (AHEAD, OVERDUE, TODAY), "3 items: 1 overdue, 2 due, the next today", id="both"
        ),
    ],
)
def test_the_headline_of_several_items_counts_them(items: tuple, expected: str) -> None:  # type: ignore[type-arg]
    assert headline(a_digest(*items)) == expected


def test_the_subject_names_the_first_lea_and_counts_the_others() -> None:
    digest = a_digest(
        an_item(lea_name="Quail Hollow ESD", due=date(2027, 5, 1)),
        an_item(lea_name="Alder Creek USD", due=date(2027, 4, 16)),
        an_item(lea_name="Alder Creek USD", item="D2", due=date(2027, 4, 30)),
    )
    assert subject(digest).endswith("– Alder Creek USD and 1 more")


def test_a_derived_obligation_is_called_by_its_title_alone() -> None:
    digest = a_digest(an_item(item="D1/review", title="Review of D1 Theory of action"))
    assert subject(digest).startswith("Review of D1 Theory of action: due")


def test_a_long_title_is_cut_at_a_word_and_marked() -> None:
    assert shortened("Problem of practice and its root causes", 25) == "Problem of practice and…"
    assert shortened("Supercalifragilistic", 8) == "Superca…"
    assert shortened("exactly8", 8) == "exactly8"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (time(23, 0), "deadline in 2 hours"),
        (time(23, 0, 20), "deadline in 2 hours"),
        (time(23, 45), "deadline in 1 hour 15 minutes"),
    ],
)
def test_an_alarm_says_how_long_there_is(at: time, expected: str) -> None:
    said = an_alarm(datetime.combine(date(2027, 4, 2), at, UTC))
    assert subject(said) == f"Posting of the agenda, by 18:00: {expected} – Alder Creek USD"
    assert headline(said) == expected.capitalize()


@pytest.mark.parametrize(
    ("minute", "expected"), [(0, "deadline now"), (5, "deadline passed 5 minutes ago")]
)
def test_an_alarm_at_its_hour_or_late_says_so(minute: int, expected: str) -> None:
    said = an_alarm(datetime(2027, 4, 3, 1, minute, 3, tzinfo=UTC))
    assert expected in subject(said)


def test_an_alarm_does_not_call_itself_a_summary() -> None:
    said = an_alarm(datetime(2027, 4, 2, 23, tzinfo=UTC))
    text = compose(said, sent_at=datetime(2027, 4, 2, 23, tzinfo=UTC)).as_string()
    assert "your summary for" not in text
    assert "one deadline at its hour" in " ".join(text.split())


def an_alarm(at: datetime) -> Digest:
    return a_digest(
        an_item(
            item="A1/posting-lea",
            title="Posting of the agenda, by 18:00",
            due=date(2027, 4, 2),
            due_at=datetime(2027, 4, 3, 1, tzinfo=UTC),
        ),
        alarm_at=at,
    )


def test_alarms_at_the_same_moment_are_no_summary_either() -> None:
    [one] = an_alarm(datetime(2027, 4, 2, 23, tzinfo=UTC)).items
    other = one.model_copy(
        update={
            "item": "A2/posting-lea",
            "lea_name": "Harbor Charter School",
            "due_at": datetime(2027, 4, 3, 0, tzinfo=UTC),
        }
    )
    said = a_digest(one, other, alarm_at=datetime(2027, 4, 2, 23, tzinfo=UTC))
    assert headline(said) == "2 deadlines, the first in 1 hour"
    assert subject(said).startswith("2 deadlines, the first in 1 hour – Alder Creek USD and 1 more")
    text = " ".join(compose(said, sent_at=datetime(2027, 4, 2, 23, tzinfo=UTC)).as_string().split())
    assert "your summary for" not in text
    assert "2 deadlines at their hour" in text


def test_an_alarm_is_about_hours() -> None:
    with pytest.raises(ValidationError, match="nothing but what is due at an hour"):
        a_digest(alarm_at=datetime(2027, 4, 2, 23, tzinfo=UTC))

"""The calendar files of a mail, read back by a calendar library, and the threads mails stand in."""

from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Component
from pydantic import ValidationError

from activities.mail.digest import Digest, Overview, OverviewLine, TakenBack
from tests.mail.digests import MORNING, a_digest, an_item
from tests.mail.test_compose import LINES, html_of, received, text_of

WITHDRAWN = TakenBack(
    stream="engagement:alder-creek-usd",
    lea_name="Alder Creek USD",
    item="D2",
    title="Data protocol",
    round=1,
    due=date(2027, 5, 14),
    why="withdrawn",
)


def calendars(digest: Digest, at: datetime = MORNING) -> dict[str, list[Component]]:
    """The entries of every attached calendar, by its method."""
    found: dict[str, list[Component]] = {}
    for part in received(digest, at).iter_attachments():
        assert isinstance(part, EmailMessage)
        assert part.get_content_type() == "text/calendar"
        calendar = Calendar.from_ical(part.get_content())
        assert isinstance(calendar, Calendar)
        assert part.get_param("method") == calendar["METHOD"]
        [entry] = calendar.walk("VEVENT")
        found.setdefault(str(calendar["METHOD"]), []).append(entry)
        assert read_twice(part.get_content()) == str(entry["UID"])
    return found


def read_twice(text: str) -> str:
    """The UID of a file's one entry, as another library than the one that wrote it reads it.

    What RFC 5546 asks of an entry with a method stands in it: whose it is, and to whom it is sent.
    """
    read = vobject.readOne(text)
    assert [key for key in read.contents if key == "vevent"] == ["vevent"]
    assert read.method.value in ("REQUEST", "CANCEL")
    event = read.vevent
    assert event.organizer.value == "mailto:handrail@agency.example"
    assert event.attendee.value == "mailto:joy@alder-creek.example"
    assert event.attendee.params["RSVP"] == ["FALSE"], "nobody is asked to answer"
    assert event.transp.value == "TRANSPARENT"
    assert event.x_microsoft_cdo_busystatus.value == "FREE"
    return str(event.uid.value)


def only(digest: Digest, method: str = "REQUEST", at: datetime = MORNING) -> Any:
    [entry] = calendars(digest, at)[method]
    return entry


def test_a_date_is_a_whole_day_that_blocks_nobody() -> None:
    entry = only(a_digest())
    assert entry["UID"] == "alder-creek-usd.D1@agency.example"
    assert entry["SUMMARY"] == "D1 Theory of action due – Alder Creek USD"
    assert entry.decoded("DTSTART") == date(2027, 4, 16)
    assert entry.decoded("DTEND") == date(2027, 4, 17)
    assert entry["TRANSP"] == "TRANSPARENT"
    assert entry["STATUS"] == "CONFIRMED"
    assert entry.decoded("DTSTAMP") == MORNING


def test_a_moved_date_is_the_same_entry_with_a_higher_sequence() -> None:
    first = only(a_digest())
    moved = only(a_digest(an_item(round=2, due=date(2027, 4, 30))), at=MORNING + timedelta(7))
    assert moved["UID"] == first["UID"]
    assert int(moved["SEQUENCE"]) > int(first["SEQUENCE"])
    assert moved.decoded("DTSTAMP") > first.decoded("DTSTAMP")


def test_each_date_has_a_file_of_its_own_because_programs_take_one_from_a_file() -> None:
    digest = a_digest(an_item(), an_item(item="D3"), taken_back=(WITHDRAWN,))
    names = [part.get_filename() for part in received(digest).iter_attachments()]
    assert names == ["dates.ics", "dates-2.ics", "taken-back.ics"]


def test_a_name_with_quotes_or_commas_stays_one_organizer() -> None:
    digest = a_digest(sender='"Support, \'the\' \\"agency\\"" <handrail@agency.example>')
    entry = only(digest)
    assert entry["ORGANIZER"] == "mailto:handrail@agency.example"
    assert entry["ORGANIZER"].params["CN"] == "Support, 'the' 'agency'"


def test_a_date_taken_back_cancels_its_entry_and_the_mail_says_why() -> None:
    digest = a_digest(taken_back=(WITHDRAWN,))
    announced = only(a_digest(an_item(item="D2", due=WITHDRAWN.due)))
    gone = only(digest, "CANCEL")
    assert gone["UID"] == announced["UID"]
    assert gone["STATUS"] == "CANCELLED"
    assert int(gone["SEQUENCE"]) > int(announced["SEQUENCE"])
    sentence = "D2 Data protocol, Alder Creek USD, was due Friday 14 May 2027: withdrawn."
    assert sentence in " ".join(text_of(digest).split())
    assert sentence in html_of(digest)


def test_a_date_set_again_after_it_was_taken_back_counts_as_newer() -> None:
    gone = only(a_digest(taken_back=(WITHDRAWN,)), "CANCEL")
    again = only(a_digest(an_item(item="D2", round=2)))
    assert int(again["SEQUENCE"]) > int(gone["SEQUENCE"])


def test_a_deadline_with_an_hour_keeps_it() -> None:
    at = datetime(2027, 4, 16, 18, tzinfo=UTC)
    assert only(a_digest(an_item(due_at=at))).decoded("DTSTART") == at


def test_what_is_overdue_is_no_date_for_a_calendar() -> None:
    digest = a_digest(an_item(due=date(2027, 4, 1)))
    assert calendars(digest) == {}
    assert "calendar file" not in html_of(digest)
    assert "calendar file" in html_of(a_digest())


# icalendar writes a backslash rightly, and reads one before an n back as the end of a line.
UNESCAPED = LINES.filter(lambda line: "\\" not in line)


@given(
    title=UNESCAPED, lea=UNESCAPED, item=st.sampled_from(["D1", "D1/review", "Y1-1/registration"])
)
def test_any_title_is_one_line_of_one_entry(title: str, lea: str, item: str) -> None:
    entry = only(a_digest(an_item(title=title, lea_name=lea, item=item)))
    assert " ".join(str(entry["SUMMARY"]).split()).endswith(" ".join(f"due – {lea}".split()))


def test_a_mail_answers_the_mails_that_its_reader_got_and_a_first_one_none() -> None:
    first = received(a_digest())
    assert (first["References"], first["In-Reply-To"]) == (None, None)
    got = ("<a@agency.example>", "<b@agency.example>")
    later = received(a_digest(answers=got))
    assert (later["References"], later["In-Reply-To"]) == (" ".join(got), got[-1])


def test_no_answered_mail_can_break_out_of_a_header() -> None:
    for odd in ("<a> <b@c>", "<a@b\r\nBcc: x@y>", "a@b"):
        with pytest.raises(ValidationError):
            a_digest(answers=(odd,))


def test_money_has_dates_of_its_own_even_under_the_id_of_an_engagement() -> None:
    money = an_item(stream="appropriation:alder-creek-usd", item="money/commit")
    digest = a_digest(an_item(item="money/commit"), money)
    assert [str(entry["UID"]) for entry in calendars(digest)["REQUEST"]] == [
        "alder-creek-usd.money.commit@agency.example",
        "alder-creek-usd.appropriation.money.commit@agency.example",
    ]


def test_an_overview_alone_is_a_mail_and_says_how_much_there_is() -> None:
    line = OverviewLine(
        lea_name="Alder Creek USD",
        text="D1 Theory of action is 3 days overdue.",
        command="handrail deliverable show alder-creek-usd D1",
    )
    digest = Digest(
        **(
            a_digest(side="staff", reply_to=None).model_dump()
            | {"items": (), "overviews": (Overview(title="Overdue", lines=(line,), more=2),)}
        )
    )
    message = received(digest)
    assert message["Subject"] == "Your week: 3 things to look at"
    assert message["In-Reply-To"] is None
    for said in ("Overdue", line.text, line.command, "and 2 more"):
        assert said is not None
        assert said in html_of(digest)
        assert said.casefold() in " ".join(text_of(digest).split()).casefold()

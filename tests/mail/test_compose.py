import email
import email.policy
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from email.header import decode_header, make_header
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.utils import parseaddr
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from activities.mail.addresses import single_line
from activities.mail.compose import compose
from activities.mail.digest import Digest, Overview, OverviewLine
from tests.mail.digests import MORNING, a_digest, an_item

ROOT = Path(__file__).parents[2]
ANYTHING = st.text(min_size=1, max_size=200)
BREAKING = st.sampled_from(["\n", "\r", "\r\n", "\0", "\x0b", "\x85", "\u2028", "\u202e"])
DIGEST_LINES = ["name", "program", "agency", "overview_title"]
DIGEST_ADDRESSES = ["sender", "reply_to", "address", "message_id"]
ITEM_LINES = ["stream", "lea_name", "item", "title", "owner_name", "action", "command"]


def is_a_line(text: str) -> bool:
    try:
        single_line(text)
    except ValueError:
        return False
    return bool(text.strip())


LINES = ANYTHING.filter(is_a_line)


def received(digest: Digest, at: datetime = MORNING) -> EmailMessage:
    """The mail as a mail program reads it from the wire."""
    message = compose(digest, sent_at=at).as_bytes()
    return email.message_from_bytes(message, policy=email.policy.default)


def text_of(digest: Digest) -> str:
    return content(received(digest), "plain")


def html_of(digest: Digest) -> str:
    return content(received(digest), "html")


def content(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part is not None
    text = part.get_content()
    assert isinstance(text, str)
    return text.replace("\r\n", "\n")


def wire_headers(digest: Digest) -> list[tuple[str, str]]:
    """Header names and raw values, unfolded, as any server on the way sees them."""
    head = compose(digest, sent_at=MORNING).as_bytes().split(b"\r\n\r\n", 1)[0].decode()
    unfolded = re.sub(r"\r\n(?=[ \t])", "", head)
    return [(name, value) for name, _, value in (h.partition(": ") for h in unfolded.split("\r\n"))]


def decoded_words(text: str) -> str:
    return str(make_header(decode_header(text)))


class VisibleText(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> VisibleText:
    page = VisibleText()
    page.feed(html)
    return page


# Headers


def test_the_headers_say_who_when_and_that_no_robot_should_answer() -> None:
    message = received(a_digest())
    assert message["From"] == "Handrail <handrail@agency.example>"
    assert message["To"] == "Joy Kim <joy@alder-creek.example>"
    assert message["Reply-To"] == "Marcus Oyelaran <marcus@agency.example>"
    assert message["Subject"] == (
        "D1 Theory of action: due Fri 16 Apr (in 14 days) – Alder Creek USD"
    )
    assert message["Date"] == "Fri, 02 Apr 2027 08:01:00 -0700"
    assert message["Message-ID"] == "<01890a5dac96774bbcceb302099a8057@agency.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["List-Unsubscribe"] == "<mailto:marcus@agency.example?subject=unsubscribe>"


def test_without_anybody_to_reply_to_no_header_and_no_sentence_promises_one() -> None:
    digest = a_digest(reply_to=None)
    message = received(digest)
    assert message["Reply-To"] is None
    assert message["List-Unsubscribe"] == "<mailto:handrail@agency.example?subject=unsubscribe>"
    assert "reply" not in text_of(digest)
    assert "reply" not in parsed(html_of(digest)).text
    assert "usual contact at Golden State Support Agency" in text_of(digest).replace("\n", " ")


def test_the_foot_says_what_a_reply_can_change_and_not_that_mails_stop() -> None:
    for text in (text_of(a_digest()), parsed(html_of(a_digest())).text):
        told = " ".join(text.split())
        assert "one mail a week, or to have them go to somebody else, reply and say so." in told
        assert "stop" not in told


def test_the_composed_message_can_be_read_before_it_is_sent() -> None:
    message = compose(a_digest(name="José Núñez, Ed.D."), sent_at=MORNING)
    assert str(message["To"]) == "José Núñez, Ed.D. <joy@alder-creek.example>"
    assert str(message["Subject"]).endswith("– Alder Creek USD")


@given(name=LINES)
@example(name='Kim, Joy "JK" \\ (Ed.D.) <eve@evil.example>')
@example(name="Müller, Ända, and Søn, Jr.; " * 8)
@example(name="=?utf-8?q?Eve?=")
@example(name="Smith, " * 30)
@example(name=",")
def test_any_name_arrives_as_one_recipient_with_that_name(name: str) -> None:
    to = received(a_digest(name=name))["To"]
    assert isinstance(to, AddressHeader)
    assert [address.addr_spec for address in to.addresses] == ["joy@alder-creek.example"]
    # Read by hand: the standard library's modern reader puts spaces between encoded words.
    phrase, address = parseaddr(dict(wire_headers(a_digest(name=name)))["To"])
    assert address == "joy@alder-creek.example"
    decoded = phrase if name.isascii() and "=?" not in phrase else decoded_words(phrase)
    # White space at the edges and in runs is not part of a name in any mail program.
    assert decoded.split() == name.split()


@given(title=LINES, lea_name=LINES)
@example(title="=?utf-8?q?=0ABcc:eve?=", lea_name="é " * 40)
def test_any_title_arrives_in_the_subject_and_nowhere_else(title: str, lea_name: str) -> None:
    digest = a_digest(an_item(title=title, lea_name=lea_name))
    plain = a_digest()
    headers = wire_headers(digest)
    assert [name for name, _ in headers] == [name for name, _ in wire_headers(plain)]
    sent = compose(digest, sent_at=MORNING)
    assert decoded_words(dict(headers)["Subject"]) == sent["Subject"]


@given(digest_field=st.sampled_from(DIGEST_ADDRESSES), before=ANYTHING, breaking=BREAKING)
def test_a_line_break_in_an_address_is_refused_by_the_name_of_its_field(
    digest_field: str, before: str, breaking: str
) -> None:
    with pytest.raises(ValueError, match=digest_field) as refusal:
        a_digest(**{digest_field: f"{before}{breaking}Bcc: eve@evil.example"})
    assert "evil" not in str(refusal.value)


@given(field=st.sampled_from([*DIGEST_LINES, *ITEM_LINES]), before=ANYTHING, breaking=BREAKING)
def test_a_line_break_in_a_text_that_was_kept_is_no_header_and_holds_up_no_mail(
    field: str, before: str, breaking: str
) -> None:
    broken = {field: f"{before}{breaking}Bcc: eve@evil.example"}
    digest = a_digest(**broken) if field in DIGEST_LINES else a_digest(an_item(**broken))
    assert [name for name, _ in wire_headers(digest)] == [n for n, _ in wire_headers(a_digest())]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("message_id", "no-brackets@agency.example", id="message id without brackets"),
        pytest.param("message_id", "<a@b> <c@d>", id="two message ids"),
        pytest.param("message_id", "<" + "a" * 300 + "@b>", id="endless message id"),
        pytest.param("address", "Joy <joy@alder.example>", id="address with a name"),
        pytest.param("zone", "Pacific", id="unknown zone"),
        pytest.param("zone", "America", id="zone that is a directory"),
    ],
)
def test_a_digest_that_makes_no_mail_is_refused_by_the_name_of_its_field(
    field: str, value: object
) -> None:
    with pytest.raises(ValidationError) as refusal:
        a_digest(**{field: value})
    assert [error["loc"][0] for error in refusal.value.errors()] == [field]


def test_a_digest_with_nothing_to_say_is_refused_without_a_word_about_its_reader() -> None:
    with pytest.raises(ValidationError, match="nothing to say") as refusal:
        Digest(**(a_digest().model_dump() | {"items": ()}))
    assert "joy" not in str(refusal.value).casefold()


def test_an_instant_without_a_zone_is_refused() -> None:
    naive = MORNING.replace(tzinfo=None)
    with pytest.raises(ValueError, match="sent_at is 2027-04-02T15:01:00 without a time zone"):
        compose(a_digest(), sent_at=naive)


def test_an_address_that_is_not_ascii_is_written_as_utf8_and_nothing_else_is() -> None:
    international = compose(a_digest(address="josé@ñandú.example"), sent_at=MORNING).as_bytes()
    assert "<josé@ñandú.example>".encode() in international
    assert compose(a_digest(name="José"), sent_at=MORNING).as_bytes().isascii()


def test_a_reply_address_with_url_characters_stays_one_unsubscribe_address() -> None:
    headers = dict(wire_headers(a_digest(reply_to="a?b&c=d%e/f@agency.example")))
    assert headers["List-Unsubscribe"] == (
        "<mailto:a%3Fb%26c%3Dd%25e%2Ff@agency.example?subject=unsubscribe>"
    )


@given(name=LINES, title=LINES, action=LINES)
def test_no_line_is_longer_than_mail_servers_accept(name: str, title: str, action: str) -> None:
    sent = compose(a_digest(an_item(title=title, action=action), name=name), sent_at=MORNING)
    head, _, body = sent.as_bytes().partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= 78
    assert max(map(len, head.split(b"\r\n"))) <= 78 + len("joy@alder-creek.example")
    assert b"\n" not in sent.as_bytes().replace(b"\r\n", b"")


# The same bytes


def test_the_same_digest_is_the_same_bytes_in_another_process_and_locale() -> None:
    program = (
        "import sys; from activities.mail.compose import compose;"
        "from tests.mail.digests import MORNING, a_digest;"
        "sys.stdout.buffer.write(compose(a_digest(), sent_at=MORNING).as_bytes())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": zone, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed, locale, zone in [("1", "C", "UTC"), ("2", "fr_FR.UTF-8", "Asia/Tokyo")]
    }
    assert outputs == {compose(a_digest(), sent_at=MORNING).as_bytes()}


@given(st.permutations([an_item(item=f"D{n}", due=date(2027, 4, 10 + n)) for n in range(4)]))
def test_the_order_in_which_items_fell_due_does_not_change_the_mail(items: list[Any]) -> None:
    in_order = sorted(items, key=lambda item: item.due)
    sent = [compose(a_digest(*order), sent_at=MORNING) for order in (items, in_order)]
    assert sent[0].as_bytes() == sent[1].as_bytes()


def test_a_digest_survives_its_journey_as_json_and_makes_the_same_mail() -> None:
    digest = a_digest(an_item(title="Théorie"), sandbox=True)
    again = Digest.model_validate_json(digest.model_dump_json())
    assert again == digest
    assert compose(again, sent_at=MORNING).as_bytes() == compose(digest, sent_at=MORNING).as_bytes()


def test_the_same_instant_said_in_another_zone_is_the_same_mail() -> None:
    elsewhere = MORNING.astimezone(tz=datetime(2027, 1, 1, tzinfo=UTC).tzinfo)
    assert (
        compose(a_digest(), sent_at=elsewhere).as_bytes()
        == compose(a_digest(), sent_at=MORNING).as_bytes()
    )
    assert (
        compose(a_digest(), sent_at=MORNING + timedelta(seconds=1)).as_bytes()
        != compose(a_digest(), sent_at=MORNING).as_bytes()
    )


# What it says


@pytest.mark.parametrize("late", [True, False])
def test_what_is_late_in_an_overview_has_the_colour_of_what_is_overdue(late: bool) -> None:
    line = OverviewLine(lea_name="Alder Creek USD", text="D1 Theory of action, due Fri 19 Mar 2027")
    week = Overview(title="A heading of the week", late=late, lines=(line,))
    said = html_of(a_digest(an_item(due=date(2027, 4, 1)), overviews=(week,), side="staff"))
    colours = {
        title: (kind, colour)
        for kind, colour, title in re.findall(
            r'<h[23] class="(\w+)" style="[^"]*?color:(#\w+);[^"]*">([^<]+)</h[23]>', said
        )
    }
    assert (colours["A heading of the week"] == colours["Overdue"]) is late
    assert (colours["A heading of the week"] == ("accent", "#0a5f55")) is not late


@pytest.mark.parametrize("read", [text_of, html_of])
def test_template_syntax_and_markup_in_data_stay_what_they_are(read: Any) -> None:
    hostile = '{{ 7 * 7 }} {% raw %} <script>alert(1)</script> &amp; "quoted" \''
    digest = a_digest(
        an_item(title=hostile, action=hostile, lea_name=hostile, owner_name=hostile,
                owed_by="other", command=hostile),
        name=hostile, program=hostile, agency=hostile, side="staff",
    )  # fmt: skip
    said = read(digest)
    if read is html_of:
        page = parsed(said)
        assert "script" not in {tag for tag, _ in page.tags}
        said = page.text
    # Title, action, LEA, owner, command, name, program and agency.
    assert " ".join(said.split()).count(hostile) >= 8


def test_staff_get_the_command_on_a_line_of_its_own() -> None:
    command = (
        "handrail deliverable return alder-creek-usd D1 --reason 'x' --due 2027-04-30 --longer"
    )
    assert len(command) > 72
    digest = a_digest(an_item(command=command), side="staff")
    assert command in [line.strip() for line in text_of(digest).splitlines()]
    assert command in parsed(html_of(digest)).text


def test_an_lea_is_told_whom_to_answer_and_never_shown_a_command() -> None:
    digest = a_digest()
    for said in (text_of(digest), parsed(html_of(digest)).text):
        assert "handrail deliverable" not in said
        assert "Marcus Oyelaran will answer" in " ".join(said.split())


def test_each_item_says_what_when_where_and_what_to_do() -> None:
    digest = a_digest(an_item(due=date(2027, 3, 26), owed_by="other", owner_name="Joy Kim"))
    for said in (text_of(digest), parsed(html_of(digest)).text):
        assert "D1 Theory of action" in said
        assert "Alder Creek USD" in said
        assert "Was due Friday 26 March 2027, 7 days overdue." in said
        assert "This is with Joy Kim." in said
        assert "Please send the draft to Marcus Oyelaran." in said


def test_what_is_overdue_stands_before_what_is_due_today_and_what_is_coming() -> None:
    digest = a_digest(
        an_item(item="D3", due=date(2027, 4, 20)),
        an_item(item="D2", due=date(2027, 4, 2)),
        an_item(item="D1", due=date(2027, 3, 26)),
    )
    order = ["OVERDUE", "D1 THEORY", "DUE TODAY", "D2 THEORY", "COMING UP", "D3 THEORY"]
    for said in (text_of(digest), parsed(html_of(digest)).text):
        # The greeting's headline counts what is overdue, too: look behind it.
        _, _, below = said.upper().partition("HELLO JOY KIM,")
        found = [below.index(words, below.index("THE NEXT TODAY")) for words in order]
        assert found == sorted(found)


def test_an_illustrative_mail_says_so_at_the_top_and_at_each_item() -> None:
    digest = a_digest(illustrative=True)
    for said in (text_of(digest), parsed(html_of(digest)).text):
        flat = " ".join(said.split())
        assert "examples, not facts about Alder Creek USD." in flat
        assert flat.index("not facts") < flat.index("Hello")
        assert "Illustrative date and deliverable" in flat


def test_one_illustrative_item_among_real_ones_is_the_only_one_marked() -> None:
    digest = a_digest(an_item(illustrative=True), an_item(item="D2"))
    for said in (text_of(digest), parsed(html_of(digest)).text):
        flat = " ".join(said.split())
        assert "Items with that mark are examples" in flat
        assert flat.count("Illustrative date and deliverable") == 1


def test_a_practice_mail_says_so_and_a_real_one_mentions_neither() -> None:
    practice, real = a_digest(sandbox=True), a_digest()
    for read in (text_of, lambda digest: parsed(html_of(digest)).text):
        assert "practice environment" in read(practice).lower()
        assert "practice" not in read(real).lower()
        assert "illustrative" not in read(real).lower()


@given(title=LINES, action=LINES)
def test_the_text_fits_72_columns_except_for_words_that_are_longer(title: str, action: str) -> None:
    for line in text_of(a_digest(an_item(title=title, action=action), side="lea")).split("\n"):
        assert len(line) <= 72 or len(line.split()) <= 2


# The page


def test_the_page_is_accessible_and_fetches_nothing() -> None:
    html = html_of(a_digest(an_item(), an_item(item="D2", due=date(2027, 4, 1))))
    page = parsed(html)
    tags = [tag for tag, _ in page.tags]
    assert dict(page.tags)["html"]["lang"] == "en"
    assert "title" in tags
    headings = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings == [1, 2, 3, 2, 3]
    assert all(attrs.get("role") == "presentation" for tag, attrs in page.tags if tag == "table")
    assert not {"img", "link", "script", "iframe", "form"} & set(tags)
    assert not re.search(r"https?:|url\(|src=|@import", html)
    assert "prefers-color-scheme: dark" in html
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in page.tags

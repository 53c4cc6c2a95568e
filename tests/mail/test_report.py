"""What the reports of several mail servers say, and what nobody's report can do."""

import time
from pathlib import Path

import pytest

from activities.mail.report import LONGEST, Report, read_report

REPORTS = Path(__file__).parent / "reports"
MAIL = "<0f8fad5b-d9cb-569f-a165-70867728950e@collaborative.example>"
JOY = "joy@alder-creek.example"
EXCHANGE_SAID = (
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient (recipient) (recipient) not found by "
    "SMTP address lookup"
)
GMAIL_SAID = (
    "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 "
    "double-checking the recipient's email address for typos or 550 5.1.1 unnecessary spaces."
)


def raw(name: str) -> bytes:
    return (REPORTS / f"{name}.eml").read_bytes()


def understood(kind: str, report: Report) -> bool:
    """Whether a report of a mail to Joy comes to what it should."""
    match kind:
        case "failed":
            failed = report.verdict == "failed" and not report.is_from(JOY)
            return failed and MAIL in report.message_ids[:1] and bool(report.failure_for(JOY))
        case "delayed":
            return report.verdict == "temporary"
        case _:
            return report.verdict in ("automatic", "foreign")


def test_nearly_every_mail_servers_report_is_understood_and_nothing_else_is_a_failure() -> None:
    """Each file is written after a system's documentation; its folder says what it is."""
    missed: dict[str, list[str]] = {}
    counts = {}
    for kind in ("failed", "delayed", "other"):
        files = sorted((REPORTS / kind).glob("*.eml"))
        missed[kind] = [f.stem for f in files if not understood(kind, read_report(f.read_bytes()))]
        counts[kind] = len(files)
    shares = {kind: 1 - len(missed[kind]) / counts[kind] for kind in counts}
    assert counts["failed"] > 80, counts
    assert shares["failed"] >= 0.95, missed
    assert shares["delayed"] == shares["other"] == 1, missed


@pytest.mark.parametrize(
    ("server", "status", "detail"),
    [
        ("postfix", "5.1.1", "550 5.1.1 <(recipient)>: Recipient address rejected: User unknown"),
        ("exim", "5.0.0", "5.0.0 550 No such user here"),
        ("exchange", "5.1.10", EXCHANGE_SAID),
        ("sendmail", "5.1.1", "550 5.1.1 <(recipient)>... User unknown"),
        ("gmail", "5.1.1", GMAIL_SAID),
        ("postfix-utf8", "5.1.1", "550 5.1.1 Unbekannter Empfänger"),
        ("sendmail-given-up", "4.4.7", "4.4.7"),
        ("exim-unrouteable", "", "Unrouteable address"),
        ("qmail-no-mailbox", "5.1.1", "Sorry, no mailbox here by that name. (#5.1.1)"),
        ("domino-in-words", "", "Cannot route mail to user ((recipient))."),
        ("kddi-full", "", "As their mailbox is full."),
        ("sendgrid", "", "550 unknown recipient"),
    ],
)
def test_a_servers_report_names_the_mail_and_whom_it_did_not_reach(
    server: str, status: str, detail: str
) -> None:
    report = read_report(raw(f"failed/{server}"))
    assert (report.verdict, report.message_ids[0]) == ("failed", MAIL)
    failure = report.failure_for(JOY)
    assert failure is not None
    assert failure.status == status
    assert failure.detail(JOY, "Joy Kim") == detail


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ("Action: failed\nStatus: 4.4.7", "failed"),
        ("Action: FAILED (gave up)\nStatus: 2.0.0", "failed"),
        ("Action: failed", "failed"),
        ("Action: expired", "failed"),
        ("Action: delayed\nStatus: 5.1.1", "temporary"),
        ("Action: relayed\nStatus: 5.1.1", "automatic"),
        ("Action: delivered\nStatus: 2.0.0", "automatic"),
        ("Action: expanded\nStatus: 2.0.0", "automatic"),
        ("Status: 5.1.1", "failed"),
        ("Status: 4.2.2", "temporary"),
    ],
)
def test_what_the_action_says_decides_and_the_status_only_without_one(
    fields: str, verdict: str
) -> None:
    text = changed(b"Action: failed\nStatus: 5.1.1", fields.encode())
    assert read_report(text).verdict == verdict


HOME = b"joy.kim.home@freemail.example"


def test_a_forwarded_address_is_known_by_what_we_wrote() -> None:
    text = raw("failed/postfix-forwarded")
    assert read_report(text).failure_for(JOY)
    in_words_only = text.replace(b"Original-Recipient: rfc822;joy@alder-creek.example\n", b"")
    assert read_report(in_words_only).failure_for(JOY)
    nowhere = in_words_only.replace(b" (expanded from\n    <joy@alder-creek.example>)", b"")
    report = read_report(nowhere)
    assert (report.verdict, report.message_ids) == ("failed", (MAIL,))
    assert report.failure_for(JOY) is None, "it speaks of an address that the mail never went to"
    assert report.failure_for(HOME.decode())


@pytest.mark.parametrize("server", ["exim-unrouteable", "qmail-no-mailbox", "yahoo", "imail"])
def test_words_about_somebody_else_are_not_about_the_reader(server: str) -> None:
    text = raw(f"failed/{server}").replace(JOY.encode(), b"elena@alder-creek.example")
    assert read_report(text).failure_for(JOY) is None
    assert read_report(text).failure_for("elena@alder-creek.example")


def test_who_left_is_recognised_whoever_says_it_and_is_no_failure() -> None:
    for name in ("no-longer-works-here", "postmaster-answers-for-who-left"):
        report = read_report(raw(f"other/{name}"))
        assert (report.verdict, report.says_left) == ("automatic", True)
        assert report.message_ids == (MAIL,)
    assert not read_report(raw("other/exchange-out-of-office")).says_left


@pytest.mark.parametrize(
    ("unit", "kind"),
    [(b"<script>", b"html"), (b"-- original ", b"plain"), (b"delivery ", b"plain"),
     (b"Final-Recipient: x\n\n", b"plain"), (b"message-id: \n\n", b"plain")],
)  # fmt: skip
def test_no_text_is_read_with_more_than_a_little_work(unit: bytes, kind: bytes) -> None:
    """The time a test may take is the limit: what reads it again and again takes minutes."""
    head = b"From: MAILER-DAEMON@x.example\nSubject: failure\nContent-Type: text/" + kind
    report = read_report((head + b"\n\n" + unit * (LONGEST // len(unit)))[:LONGEST])
    assert report.failures == ()


def test_nobody_reports_in_the_readers_own_name() -> None:
    text = raw("failed/qmail-no-mailbox").replace(b"MAILER-DAEMON@mx.", b"joy@")
    assert read_report(text).is_from(JOY)
    assert not read_report(raw("failed/qmail-no-mailbox")).is_from(JOY)


def test_other_peoples_addresses_are_not_kept_either() -> None:
    text = raw("failed/postfix").replace(b"User unknown\n\n--", b"ask bob@x.example\n\n--")
    [failure] = read_report(text).failures
    assert failure.detail(JOY, "Joy Kim").endswith("rejected: ask (address)")


def changed(old: bytes, new: bytes, server: str = "postfix") -> bytes:
    text = raw(f"failed/{server}")
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        pytest.param(b"", "foreign", id="empty"),
        pytest.param(b"\xff\xfe\x00" * 100, "foreign", id="no mail at all"),
        pytest.param(b"Subject: lunch?\n\nAt noon.\n", "foreign", id="a mail from somebody"),
        pytest.param(
            changed(b"report-type=delivery-status", b"report-type=disposition-notification"),
            "automatic",
            id="a read receipt",
        ),
        pytest.param(
            changed(b"message/delivery-status", b"text/plain"), "failed", id="fields in a text"
        ),
        pytest.param(changed(b"Final-Recipient", b"Recipient"), "failed", id="no recipient"),
        pytest.param(changed(b"Message-ID: <", b"X-Id: <"), "unclear", id="no mail named"),
        pytest.param(changed(b"Status: 5.1.1", b"Status: five"), "failed", id="no status"),
        pytest.param(changed(b"Action: failed", b"Action: relayed"), "automatic", id="relayed"),
        pytest.param(changed(b"Status: 5.1.1", b"Status: 15.1.1"), "failed", id="odd status"),
        pytest.param(raw("failed/postfix")[:900], "unclear", id="cut off"),
        pytest.param(raw("failed/postfix") + b"x" * LONGEST, "malformed", id="huge"),
    ],
)
def test_whatever_comes_is_read_without_harm(text: bytes, verdict: str) -> None:
    assert read_report(text).verdict == verdict


@pytest.mark.parametrize("nest", ["multipart", "message"])
def test_a_nested_report_costs_nothing(nest: str) -> None:
    if nest == "multipart":
        layers = [
            f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(10_000)
        ]
    else:
        layers = ["Content-Type: message/rfc822\n\n"] * 20_000
    began = time.monotonic()
    report = read_report("".join(layers).encode()[:LONGEST])
    assert (report.verdict, report.why) == ("malformed", "too deeply nested")
    assert time.monotonic() - began < 1


def test_headers_with_bytes_that_are_no_text_are_read() -> None:
    [failure] = read_report(changed(b"User unknown", b"Unbekannter Empf\xe4nger")).failures
    assert "Unbekannter Empf" in failure.detail(JOY, "Joy Kim")


def test_many_recipients_and_references_are_cut() -> None:
    block = b"\nFinal-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n"
    many = changed(b"\nFinal-Recipient", block * 5_000 + b"\nFinal-Recipient")
    assert len(read_report(many).failures) == 100
    ids = b" ".join(b"<%d@x.example>" % n for n in range(5_000))
    many = changed(b"X-Display-Name", b"X-Name", "exchange")
    many = many.replace(b"References: ", b"References: " + ids).replace(
        b"Message-ID: " + MAIL.encode() + b"\nMIME", b"MIME"
    )
    assert len(read_report(many).message_ids) == 20

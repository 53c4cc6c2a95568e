"""What the reports of several mail servers say, and what nobody's report can do."""

import time
from pathlib import Path

import pytest

from activities.mail.report import LONGEST, read_report

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


@pytest.mark.parametrize(
    ("server", "status", "detail"),
    [
        ("postfix", "5.1.1", "550 5.1.1 <(recipient)>: Recipient address rejected: User unknown"),
        ("exim", "5.0.0", "5.0.0 550 No such user here"),
        ("exchange", "5.1.10", EXCHANGE_SAID),
        ("sendmail", "5.1.1", "550 5.1.1 <(recipient)>... User unknown"),
        ("gmail", "5.1.1", GMAIL_SAID),
    ],
)
def test_a_servers_report_names_the_mail_and_whom_it_did_not_reach(
    server: str, status: str, detail: str
) -> None:
    report = read_report(raw(server))
    assert (report.verdict, report.message_ids[0]) == ("failed", MAIL)
    [failure] = report.failures
    assert failure.status == status
    assert failure.is_for(JOY)
    assert failure.detail(JOY, "Joy Kim") == detail


def test_other_peoples_addresses_are_not_kept_either() -> None:
    text = raw("postfix").replace(b"User unknown\n\n--", b"ask bob@x.example\n\n--")
    [failure] = read_report(text).failures
    assert failure.detail(JOY, "Joy Kim").endswith("rejected: ask (address)")


@pytest.mark.parametrize("name", ["postfix-delayed", "postfix-expired"])
def test_what_did_not_fail_for_good_is_no_failure(name: str) -> None:
    assert read_report(raw(name)).verdict == "temporary"


def changed(old: bytes, new: bytes, server: str = "postfix") -> bytes:
    text = raw(server)
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
            "foreign",
            id="a read receipt",
        ),
        pytest.param(
            changed(b"message/delivery-status", b"text/plain"), "malformed", id="no status part"
        ),
        pytest.param(changed(b"Final-Recipient", b"Recipient"), "malformed", id="no recipient"),
        pytest.param(changed(b"Message-ID: <", b"X-Id: <"), "malformed", id="no mail named"),
        pytest.param(changed(b"Status: 5.1.1", b"Status: five"), "temporary", id="no status"),
        pytest.param(changed(b"Action: failed", b"Action: relayed"), "temporary", id="relayed"),
        pytest.param(changed(b"Status: 5.1.1", b"Status: 15.1.1"), "temporary", id="odd status"),
        pytest.param(raw("postfix")[:900], "malformed", id="cut off"),
        pytest.param(raw("postfix") + b"x" * LONGEST, "malformed", id="huge"),
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

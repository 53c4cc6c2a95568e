import asyncio
import mailbox
import resource
import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest

from embedded.mailcatcher import caught_mails, mail_catcher
from embedded.process import StartError


def mail(subject: str, to: str = "lead@example.org") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Handrail <handrail@example.org>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content("Grüße\n.\nA line with a dot alone is not the end.\n")
    message.add_alternative("<p>Grüße</p>", subtype="html")
    return message


def send(port: int, *messages: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as server:
        for message in messages:
            server.send_message(message)


def test_every_mail_becomes_a_file_in_the_order_of_arrival(tmp_path: Path) -> None:
    maildir = tmp_path / "mail with space"
    with mail_catcher(maildir) as catcher:
        send(catcher.port, *(mail(f"number {n}") for n in range(1, 21)))
        assert [m["Subject"] for m in catcher.messages()] == [f"number {n}" for n in range(1, 21)]
    assert len(list((maildir / "new").iterdir())) == 20
    assert [m.number for m in caught_mails(maildir)] == list(range(1, 21))


def test_a_mail_is_kept_as_it_came_with_its_envelope(tmp_path: Path) -> None:
    # Its boundary is chosen once, here.
    sent = mail("Frühjahr", to="José <jose@example.org>").as_bytes().replace(b"\n", b"\r\n")
    recipients = ["jose@example.org", "hidden@example.org"]
    with mail_catcher(tmp_path) as catcher:
        with smtplib.SMTP("127.0.0.1", catcher.port, timeout=5) as server:
            server.sendmail("handrail@example.org", recipients, sent, ["BODY=8BITMIME"])
        (kept,) = caught_mails(tmp_path)
        (message,) = catcher.messages()
    assert kept.raw.endswith(sent)
    assert message.get_all("X-Envelope-To") == recipients
    assert message["To"] == "José <jose@example.org>"
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").startswith("Grüße\n.\nA line")


def test_any_mail_reader_can_open_the_maildir(tmp_path: Path) -> None:
    with mail_catcher(tmp_path) as catcher:
        send(catcher.port, mail("one"), mail("two"))
    box = mailbox.Maildir(tmp_path, create=False)
    assert sorted(message["Subject"] for message in box) == ["one", "two"]
    key = next(iter(box.keys()))
    message = box[key]
    message.set_subdir("cur")
    box[key] = message
    assert len(caught_mails(tmp_path)) == 2, "a mail that was read elsewhere is still there"


def test_what_was_caught_before_is_still_there(tmp_path: Path) -> None:
    for subject in ("first", "second"):
        with mail_catcher(tmp_path) as catcher:
            send(catcher.port, mail(subject))
    assert [m.message()["Subject"] for m in caught_mails(tmp_path)] == ["first", "second"]


def test_mails_are_for_their_owner_alone(tmp_path: Path) -> None:
    with mail_catcher(tmp_path / "mail") as catcher:
        send(catcher.port, mail("personal"))
    (kept,) = caught_mails(tmp_path / "mail")
    assert kept.path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "mail").stat().st_mode & 0o077 == 0


def test_a_sender_that_stays_connected_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with mail_catcher(tmp_path) as catcher:
        idle = smtplib.SMTP("127.0.0.1", catcher.port, timeout=5)
        idle.noop()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        idle.noop()
    idle.close()


async def test_mails_sent_at_once_are_all_kept(tmp_path: Path) -> None:
    async with mail_catcher(tmp_path) as catcher:
        sending = (asyncio.to_thread(send, catcher.port, mail(f"{n}")) for n in range(30))
        await asyncio.gather(*sending)
        assert len(catcher.messages()) == 30


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with (
        mail_catcher(tmp_path) as catcher,
        pytest.raises(StartError, match=f"port {catcher.port}"),
    ):
        mail_catcher(tmp_path, port=catcher.port).__enter__()


def test_mail_to_the_domain_without_mailboxes_comes_back(tmp_path: Path) -> None:
    with (
        mail_catcher(tmp_path) as catcher,
        smtplib.SMTP("127.0.0.1", catcher.port, timeout=5) as sender,
    ):
        refused = sender.sendmail(
            "a@agency.example",
            ["joy@alder-creek.example", "robert@No-Such-Mailbox.example"],
            b"Subject: x\r\n\r\nx",
        )
        assert refused == {"robert@No-Such-Mailbox.example": (550, b"5.1.1 no such mailbox")}
        [kept] = catcher.messages()
        assert kept["X-Envelope-To"] == "joy@alder-creek.example"


def test_what_cannot_be_kept_now_is_put_off_and_does_not_come_back(tmp_path: Path) -> None:
    """A disk that is full now has room again: a final no would be a bounce."""
    with mail_catcher(tmp_path) as catcher:
        (tmp_path / "tmp").rmdir()
        with pytest.raises(smtplib.SMTPDataError) as no_place:
            send(catcher.port, mail("no place for it"))
        (tmp_path / "tmp").mkdir()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        try:
            with pytest.raises(smtplib.SMTPDataError) as full:
                send(catcher.port, mail("a full disk"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert [no_place.value.smtp_code, full.value.smtp_code] == [452, 452]
        assert [*tmp_path.rglob("*.handrail")] == [], "nor is half a mail left"
        send(catcher.port, mail("a full disk"))
        assert [m["Subject"] for m in catcher.messages()] == ["a full disk"]

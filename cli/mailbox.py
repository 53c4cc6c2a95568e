"""`handrail mail`: reading what the mail catcher caught."""

import re
import sys
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cli.terminal.output import REFUSED, emit_json, emit_table, fail, narrate
from cli.terminal.session import Json, Switch, settings_or_fail
from cli.verbs import Parameter, Verbs

if TYPE_CHECKING:
    from embedded.mailcatcher import CaughtMail

HEADERS = ("Date", "From", "To", "Cc", "Reply-To", "Subject", "Message-ID")
SUBJECT_WIDTH = 70
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def register(app: Verbs) -> None:
    """Add `handrail mail`."""
    mail = Verbs("mail", "Read the mails that the mail catcher caught.")
    mail.command(list_, name="list")
    mail.command(show)
    app.add(mail)


def list_(*, json_: Json = False) -> None:
    """List the caught mails, oldest first.

    Args:
        json_: One JSON object a line.
    """
    maildir, caught = _caught()
    rows = [(mail.number, mail, mail.message()) for mail in caught]
    if json_:
        for number, kept, message in rows:
            emit_json({"number": number, **_headers(message, kept)})
        return
    if not rows:
        narrate(f"No mail has been caught in {maildir}.")
        return
    emit_table(
        "",
        ("N", "Date", "To", "Subject"),
        [
            (number, _date(message, kept), _header(message, "To"), _short(message))
            for number, kept, message in rows
        ],
    )


def show(
    number: int,
    /,
    *,
    html: Annotated[Path | None, Parameter(help="Write the HTML part to this file.")] = None,
    raw: Switch = False,
    json_: Json = False,
) -> None:
    """Show one mail: its headers, then its text.

    Args:
        number: As `handrail mail list` counts them.
        html: Write the HTML part to this file, for a browser.
        raw: The mail as it was sent, every header and part, below two lines about its envelope.
        json_: One JSON object.
    """
    maildir, caught = _caught()
    if not 1 <= number <= len(caught):
        known = f"they are numbered 1 to {len(caught)}" if caught else "none has been caught yet"
        fail(f"There is no mail {number} in {maildir}: {known}. See `handrail mail list`.", REFUSED)
    kept = caught[number - 1]
    if raw:
        sys.stdout.buffer.write(kept.raw)
        return
    message = kept.message()
    if html is not None:
        _write_html(message, number, html)
    text = _body(message, "plain")
    attached = [
        part.get_filename() or part.get_content_type() for part in message.iter_attachments()
    ]
    if json_:
        emit_json(
            {
                "number": number,
                **_headers(message, kept),
                "text": text,
                "html": _body(message, "html"),
                "attachments": attached,
            }
        )
        return
    for name in HEADERS:
        if name in message:
            print(f"{name}: {_header(message, name)}")
    print(f"Envelope: {_envelope(message)}")
    if attached:
        print(f"Attached: {_clean(', '.join(attached))}")
    print()
    print(_clean(text) if text is not None else "(no text; see --html FILE or --raw)")


def _caught() -> tuple[Path, "list[CaughtMail]"]:
    from embedded.home import Home
    from embedded.mailcatcher import caught_mails

    maildir = Home(settings_or_fail(use_stack=False).home).maildir
    return maildir, caught_mails(maildir)


def _headers(message: EmailMessage, kept: "CaughtMail") -> dict[str, object]:
    found = {
        name.lower().replace("-", "_"): _header(message, name)
        for name in HEADERS
        if name in message and name != "Date"
    }
    return {"date": _instant(message, kept), "envelope_to": _recipients(message), **found}


def _instant(message: EmailMessage, kept: "CaughtMail") -> datetime:
    """When it says it was sent, which in a sandbox is the sandbox's time; else when it came."""
    header = message["Date"]
    said = getattr(header, "datetime", None)
    return said if isinstance(said, datetime) else kept.caught_at


def _date(message: EmailMessage, kept: "CaughtMail") -> str:
    return f"{_instant(message, kept):%Y-%m-%d %H:%M %z}".strip()


def _header(message: EmailMessage, name: str) -> str:
    return _clean(", ".join(str(value) for value in message.get_all(name, []))).replace("\n", " ")


def _short(message: EmailMessage) -> str:
    subject = _header(message, "Subject")
    return subject if len(subject) <= SUBJECT_WIDTH else f"{subject[: SUBJECT_WIDTH - 1]}…"


def _recipients(message: EmailMessage) -> list[str]:
    from embedded.mailcatcher import ENVELOPE_TO

    return [_clean(str(value)) for value in message.get_all(ENVELOPE_TO, [])]


def _envelope(message: EmailMessage) -> str:
    from embedded.mailcatcher import ENVELOPE_FROM

    return f"{_header(message, ENVELOPE_FROM) or '<>'} to {', '.join(_recipients(message))}"


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    content = part.get_content()
    return content if isinstance(content, str) else None


def _write_html(message: EmailMessage, number: int, path: Path) -> None:
    content = _body(message, "html")
    if content is None:
        fail(f"Mail {number} has no HTML part.", REFUSED)
    try:
        path.touch(mode=0o600)  # It names people; one that was there keeps its mode.
        path.write_text(content, "utf-8")
    except OSError as error:
        fail(f"The HTML part cannot be written to {path}: {error.strerror}.", REFUSED)
    narrate(f"wrote the HTML part to {path}")


def _clean(text: str) -> str:
    """Without what could steer a terminal: a mail is written by strangers."""
    return STEERING.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))

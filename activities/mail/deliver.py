"""Handing one frozen mail to the mail server.

A delivery ends in one of three ways, and the difference is who can mend it:

- *sent*: the server took the mail and answers for it from now on;
- *bounced*: the server refuses this recipient or this mail for good, so trying again is useless;
- `MailUnavailable`: anything else, a wrong password and a refused sender included. It is ours or
  the operator's to mend, says nothing about the recipient, and the same bytes are tried again.

The server's text often repeats the recipient's address.
It is masked here, because details are shown in ledgers and errors end in logs.
"""

import asyncio
import base64
import re
import socket
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Literal, TypeVar

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPTimeoutError,
)
from pydantic import BaseModel, ConfigDict

from activities.mail.addresses import parse_mailbox
from activities.mail.smtp_url import SmtpServer, parse_smtp_url

# A server may scan a mail before it answers. To give up here risks a second copy of a mail that
# was taken, so this one answer is waited for longer than the others (RFC 5321 4.5.3.2.6).
_DATA_PATIENCE = 10
CONVERSATION_SECONDS = 480.0
"""In which a mail server has all its answers given, however slowly; after that it is left, and
tried again.  With the recording of its answer it stays within what an attempt may take."""
# After the server's 250 nothing may hold back or undo the good news.
_QUIT_SECONDS = 2.0
_DETAIL_LIMIT = 500
_TOO_BIG = 552
# A server may name the mailbox without its domain; shorter names than this are ordinary words.
_SHORTEST_NAME = 3
# Refusals of our login that some servers only speak out at MAIL or RCPT.
_LOGIN_CODES = frozenset({530, 534, 535, 538})


T = TypeVar("T")


class Delivery(BaseModel):
    """How the attempt ended."""

    model_config = ConfigDict(frozen=True)

    outcome: Literal["sent", "bounced"]
    detail: str
    """The server's code and text on one line, without the recipient's address."""


class MailUnavailable(Exception):
    """The mail was not taken for now; try again later."""

    def __init__(self, said: str, *, puts_off: bool = False) -> None:
        super().__init__(said)
        self.puts_off = puts_off
        """Whether the server is there and puts this one mail off, as for a mailbox that is full."""


async def deliver(
    message: bytes,
    sender: str,
    recipient: str,
    smtp_url: str,
    *,
    before_data: Callable[[], Awaitable[None]] | None = None,
) -> Delivery:
    """Send one message to one recipient.

    Args:
        message: The frozen bytes, sent as they are.
        sender: Envelope sender, bare or as `Name <address>`.
        recipient: Envelope recipient, bare or as `Name <address>`.
        smtp_url: See `parse_smtp_url`.
        before_data: Called when the server has agreed to take the mail and has not seen it yet;
            if it fails, nothing is sent.

    Raises:
        MailUnavailable: A 4xx answer, no connection, no TLS, no login, no answer in time.
        ValueError: An address or the URL is malformed.
    """
    server = parse_smtp_url(smtp_url)
    envelope_sender = _envelope_address("sender", sender)
    envelope_recipient = _envelope_address("recipient", recipient)
    needs_utf8 = not (
        envelope_sender.isascii() and envelope_recipient.isascii() and message.isascii()
    )
    mask = _Mask(server, envelope_recipient)
    began = asyncio.get_running_loop().time()
    try:
        client, _ = await _in_time(connected(server), began)
        try:
            if needs_utf8 and not client.supports_extension("smtputf8"):
                return Delivery(
                    outcome="bounced",
                    detail="the mail server does not offer SMTPUTF8, "
                    "which an address with non-ASCII letters needs",
                )
            answer = await _in_time(
                _handed_over(
                    client,
                    server,
                    message,
                    envelope_sender,
                    envelope_recipient,
                    utf8=needs_utf8,
                    before_data=before_data,
                ),
                began,
            )
            await _quit(client)
        finally:
            client.close()
    except SMTPResponseException as error:
        text = mask.applied(f"{error.code} {error.message}")
        if _is_bounce(error):
            return Delivery(outcome="bounced", detail=text)
        # From None: the original carries the recipient's address into every printed traceback.
        raise MailUnavailable(
            f"mail server {server.where} said at {_stage(error)}: {text}",
            puts_off=isinstance(error, SMTPRecipientRefused | SMTPDataError)
            and 400 <= error.code <= 499,
        ) from None
    except (SMTPException, OSError) as error:
        text = mask.applied(str(error) or type(error).__name__)
        raise MailUnavailable(f"mail server {server.where} is not usable: {text}") from None
    return Delivery(outcome="sent", detail=mask.applied(answer))


async def _in_time(step: Awaitable[T], began: float) -> T:
    """A step of a conversation, given up when the whole has taken too long."""
    try:
        async with asyncio.timeout_at(began + CONVERSATION_SECONDS):
            return await step
    except TimeoutError as late:
        raise SMTPTimeoutError(
            str(late) or f"the conversation took longer than {CONVERSATION_SECONDS:g} seconds"
        ) from None


async def connected(server: SmtpServer) -> tuple[SMTP, str]:
    """A client that has said hello, and is encrypted and logged in as the URL asks; its greeting.

    Raises:
        SMTPException: It refuses us, or offers no encryption where that is required.
        OSError: It cannot be reached, or nobody vouches for its certificate.
    """
    client = SMTP(
        hostname=server.host,
        port=server.port,
        local_hostname=await asyncio.to_thread(_local_name),
        timeout=server.timeout_seconds,
        use_tls=server.tls,
        start_tls=False,
    )
    greeting = (await client.connect()).message
    try:
        await client.ehlo()
        encrypted = server.tls
        if server.starttls == "required" or (
            server.starttls == "auto" and client.supports_extension("starttls")
        ):
            await client.starttls()
            await client.ehlo()
            encrypted = True
        if server.username is not None:
            if not encrypted and server.starttls == "auto" and not server.is_loopback:
                # Whoever sits on the line can strip the offer of STARTTLS to read the password.
                raise SMTPException(
                    "it offers no STARTTLS, and the password is not sent in the clear; "
                    "use smtps://, or add ?starttls=off where the line is trusted"
                )
            await client.login(server.username, server.password or "")
    except BaseException:
        client.close()
        raise
    return client, greeting


async def _handed_over(
    client: SMTP,
    server: SmtpServer,
    message: bytes,
    sender: str,
    recipient: str,
    *,
    utf8: bool,
    before_data: Callable[[], Awaitable[None]] | None,
) -> str:
    encoding = "utf-8" if utf8 else "ascii"
    options = [f"SIZE={len(message)}"] if client.supports_extension("size") else []
    if utf8:
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    await client.mail(sender, options=options, encoding=encoding)
    await client.rcpt(recipient, encoding=encoding)
    if before_data is not None:
        await before_data()
    answer = await client.data(message, timeout=server.timeout_seconds * _DATA_PATIENCE)
    return f"{answer.code} {answer.message}"


async def _quit(client: SMTP) -> None:
    try:
        await client.quit(timeout=_QUIT_SECONDS)
    except (SMTPException, OSError):
        # The mail is the server's since its 250; an unfriendly goodbye must not send it again.
        return


def _is_bounce(error: SMTPResponseException) -> bool:
    if isinstance(error, SMTPSenderRefused):
        # A refused sender is our configuration, whoever the mail is for; a mail too big for the
        # server stays too big.
        return error.code == _TOO_BIG
    return (
        isinstance(error, SMTPRecipientRefused | SMTPDataError)
        and 500 <= error.code <= 599
        and error.code not in _LOGIN_CODES
    )


def _stage(error: SMTPResponseException) -> str:
    if isinstance(error, SMTPSenderRefused):
        return "MAIL FROM"
    if isinstance(error, SMTPRecipientRefused):
        return "RCPT TO"
    return "DATA" if isinstance(error, SMTPDataError) else "connection or login"


def _envelope_address(field: str, text: str) -> str:
    try:
        return parse_mailbox(text).address
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error


@lru_cache(maxsize=1)
def _local_name() -> str:
    """The name said in EHLO; looked up once, because a machine without DNS takes seconds."""
    name = socket.getfqdn()
    # A host name may hold what EHLO may not (RFC 5321 4.1.1.1); an address literal always may.
    return name if re.fullmatch(r"[A-Za-z0-9.-]+", name) else "[127.0.0.1]"


class _Mask:
    """Takes the recipient and our login out of what a server says."""

    def __init__(self, server: SmtpServer, recipient: str) -> None:
        plain = [f"\0{server.username}\0{server.password}", server.password, server.username]
        encoded = [base64.b64encode(secret.encode()).decode() for secret in plain if secret]
        self._login = [secret for secret in (*encoded, server.password) if secret]
        self._recipient = recipient

    def applied(self, text: str) -> str:
        for secret in self._login:
            text = text.replace(secret, "***")
        return without_recipient(text, self._recipient)


def without_recipient(text: str, recipient: str) -> str:
    """What a server said, on one line, without the recipient's address or the name in it."""
    local = recipient.rpartition("@")[0]
    names = [re.escape(recipient)]
    if len(local) >= _SHORTEST_NAME:
        names.append(rf"(?<![\w@.]){re.escape(local)}(?![\w@])")
    text = re.sub("|".join(names), "(recipient)", text, flags=re.IGNORECASE)
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:_DETAIL_LIMIT]

"""A mail server that delivers nothing: every message becomes a file in a Maildir."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from itertools import count
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from embedded.files import private_directory
from embedded.process import (
    LOOPBACK,
    POLL_SECONDS,
    EitherWay,
    Leashed,
    StartError,
    Stop,
    accepts,
    child_environment,
    free_port,
)

ENVELOPE_FROM = "X-Envelope-From"
ENVELOPE_TO = "X-Envelope-To"
IDENT = "Handrail mail catcher"
"""How it greets, and is told from a mail server."""
MAILDIR_PARTS = ("tmp", "new", "cur")
START_SECONDS = 30.0
STOPS = (Stop(signal.SIGTERM, 5), Stop(signal.SIGKILL, 5))
NOWHERE = "no-such-mailbox.example"
"""Mail to this domain is refused, so that one can practise what happens then."""


@dataclass(frozen=True)
class MailCatcher:
    """A running mail catcher."""

    port: int
    maildir: Path

    @property
    def smtp_url(self) -> str:
        """Where to send mail."""
        return f"smtp://{LOOPBACK}:{self.port}"

    def messages(self) -> list[EmailMessage]:
        """Everything caught, oldest first."""
        return [caught.message() for caught in caught_mails(self.maildir)]


@dataclass(frozen=True)
class MailCatcherProcess:
    """A mail catcher as a process of its own."""

    process: Leashed
    port: int

    @property
    def smtp_url(self) -> str:
        """Where to send mail."""
        return f"smtp://{LOOPBACK}:{self.port}"


@dataclass(frozen=True)
class CaughtMail:
    """One file of the Maildir."""

    number: int
    """Counted from 1 in the order of arrival."""
    path: Path

    @property
    def raw(self) -> bytes:
        """The file as it is: the envelope's two headers, then the message as it came in."""
        return self.path.read_bytes()

    def message(self) -> EmailMessage:
        """The parsed message."""
        parsed = message_from_bytes(self.raw, policy=modern)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def caught_at(self) -> datetime:
        """When it came in, by the machine's clock."""
        return datetime.fromtimestamp(int(self.path.name.split(".")[0]) / 1e9, UTC)


class KeepInMaildir:
    """What aiosmtpd calls with each message."""

    def __init__(self, maildir: Path) -> None:
        self._maildir = maildir
        self._numbers = count()

    # The names and the arguments of both are aiosmtpd's.
    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take any recipient but those of the domain that has no mailboxes."""
        if address.casefold().endswith(f"@{NOWHERE}"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
    ) -> str:
        """Keep a message; it is on disk, whole, before the sender reads 250."""
        # Nanoseconds first, so that names sort by arrival; the counter settles a tie.
        name = f"{time.time_ns():020d}.{os.getpid()}_{next(self._numbers):06d}.handrail"
        content = envelope.content
        body = content if isinstance(content, bytes) else (content or "").encode()
        head = [f"{ENVELOPE_FROM}: {envelope.mail_from or ''}"]
        head += [f"{ENVELOPE_TO}: {recipient}" for recipient in envelope.rcpt_tos]
        try:
            self._keep(name, "".join(f"{line}\r\n" for line in head), body)
        except OSError as full:
            # Put off, not refused: a disk that is full now has room again.
            return f"452 4.3.1 cannot be kept now: {full.strerror}"
        return "250 OK, caught"

    def _keep(self, name: str, head: str, body: bytes) -> None:
        fresh = self._maildir / "tmp" / name
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(head.encode("utf-8", "surrogateescape"))
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(self._maildir / "new" / name)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise


class Conversation(SMTP):
    """One sender's connection, known to the server so that it can be ended."""

    def __init__(self, handler: KeepInMaildir, open_now: set[asyncio.BaseTransport]) -> None:
        super().__init__(handler, enable_SMTPUTF8=True, ident=IDENT)
        self._open_now = open_now
        self._mine: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._mine = transport
        self._open_now.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self._mine is not None:
            self._open_now.discard(self._mine)


class MailServer:
    """The catcher's thread and its event loop.

    aiosmtpd's own controller leaves connections open when it stops.
    """

    def __init__(self, maildir: Path, port: int) -> None:
        self._handler = KeepInMaildir(maildir)
        self._port = port
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name="mail catcher", daemon=True)

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: The port cannot be had.
        """
        self._thread.start()
        self._started.result()

    def stop(self) -> None:
        """End every conversation and wait for the thread."""
        if self._thread.is_alive():
            loop, stopping = self._started.result()
            loop.call_soon_threadsafe(stopping.set)
            self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        conversations: set[asyncio.BaseTransport] = set()
        try:
            server = await loop.create_server(
                lambda: Conversation(self._handler, conversations), LOOPBACK, self._port
            )
        except OSError as error:
            self._started.set_exception(error)
            return
        self._started.set_result((loop, stopping))
        await stopping.wait()
        server.close()
        while conversations:
            for transport in list(conversations):
                transport.close()
            await asyncio.sleep(POLL_SECONDS)
        await server.wait_closed()


def mail_catcher(maildir: Path, *, port: int | None = None) -> EitherWay[MailCatcher]:
    """Catch mail while the context is open, in a thread of this process.

    Args:
        maildir: Made at first use; what it holds stays.
        port: On loopback; any free one if None.

    Raises:
        StartError: The port cannot be had.
    """

    @contextmanager
    def run() -> Iterator[MailCatcher]:
        catcher, server = start_mail_catcher(maildir, port=port)
        try:
            yield catcher
        finally:
            server.stop()

    return EitherWay(run())


def start_mail_catcher(maildir: Path, *, port: int | None = None) -> tuple[MailCatcher, MailServer]:
    """Start catching mail; `server.stop()` ends it. Arguments as for `mail_catcher`.

    Raises:
        StartError: The port cannot be had.
    """
    private_directory(maildir)
    for part in MAILDIR_PARTS:
        private_directory(maildir / part)
    chosen = port or free_port()
    server = MailServer(maildir, chosen)
    try:
        server.start()
    except OSError as error:
        raise StartError(f"The mail catcher cannot listen on port {chosen}: {error}.") from error
    return MailCatcher(chosen, maildir), server


def start_mail_process(
    maildir: Path, *, port: int, log: Path, keep_open: Iterable[int] = ()
) -> MailCatcherProcess:
    """Start catching mail in a process of its own, which ends with ours.

    Args:
        maildir: Made at first use; what it holds stays.
        port: On loopback.
        log: Where it writes.
        keep_open: Descriptors for the leash to hold.

    Raises:
        StartError: The port cannot be had.
    """
    private_directory(maildir)
    process = Leashed(
        "The mail catcher",
        [sys.executable, "-m", "embedded.mailcatcher", str(port), maildir],
        cwd=maildir,
        log=log,
        stops=STOPS,
        env=child_environment(),
        keep_open=keep_open,
    )
    try:
        process.wait_until(lambda: process.listens_on(port) and accepts(port), START_SECONDS)
    except BaseException:
        process.stop()
        raise
    return MailCatcherProcess(process, port)


def caught_mails(maildir: Path) -> list[CaughtMail]:
    """What was caught, oldest first; a mail reader may have moved some to `cur`."""
    found = [
        path
        for part in ("new", "cur")
        if (maildir / part).is_dir()
        for path in (maildir / part).iterdir()
        if not path.name.startswith(".")
    ]
    found.sort(key=lambda path: path.name)
    return [CaughtMail(number, path) for number, path in enumerate(found, 1)]


def main() -> None:
    """Catch mail until told to stop: `python -m embedded.mailcatcher PORT MAILDIR`."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        _, server = start_mail_catcher(Path(sys.argv[2]), port=int(sys.argv[1]))
    except StartError as error:
        sys.exit(str(error))
    over.wait()
    server.stop()


if __name__ == "__main__":
    main()

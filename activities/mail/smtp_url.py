"""`SMTP_URL`: where the mail server is, how to trust it, who logs in."""

import ipaddress
from dataclasses import dataclass, field
from typing import Literal, cast, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from activities.mail.addresses import single_line

StartTls = Literal["auto", "required", "off"]

_TIMEOUT_SECONDS = 30.0
# The answer to the text itself is waited for ten times as long: that must fit a conversation.
_LONGEST_TIMEOUT_SECONDS = 45.0
_SMTP_PORT, _SMTPS_PORT, _SUBMISSION_PORT = 25, 465, 587
_SHAPE = "smtp://[user:password@]host[:port][?starttls=auto|required|off][&timeout=seconds]"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A parsed SMTP_URL; its repr hides the login."""

    host: str
    port: int
    tls: bool
    """TLS from the first byte (`smtps://`)."""
    starttls: StartTls
    timeout_seconds: float
    """How long each answer may take."""
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def where(self) -> str:
        """`host:port`, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether nobody sits on the line: the server is this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_smtp_url(url: str) -> SmtpServer:
    """Read `smtp://` or `smtps://`.

    `starttls=auto`, the default, encrypts when the server offers it; `required` refuses a server
    that does not; `off` never does.
    The server's certificate is always checked, against the system's authorities or `SSL_CERT_FILE`.
    Special characters in the login are percent-encoded.

    Raises:
        ValueError: Says what is wrong; never shows the URL, which may hold a password.
    """
    try:
        single_line(url)
        parts = urlsplit(url)
        host, port, username, password = (
            parts.hostname, parts.port, parts.username, parts.password,
        )  # fmt: skip
    except ValueError:
        # From None: the library's message quotes pieces of the URL, a mistyped password included.
        raise _wrong(
            "cannot be read; a '/', '#', '?', '@' or '[' in the user name or password "
            "must be percent-encoded, and the port is a number up to 65535"
        ) from None
    if parts.scheme not in {"smtp", "smtps"}:
        raise _wrong("must begin with smtp:// or smtps://")
    if not host:
        raise _wrong("names no host")
    try:
        host.encode("idna")
    except UnicodeError:
        # Found here, or the resolver stumbles over it at every mail.
        raise _wrong("names a host that cannot exist: a part is empty or too long") from None
    if parts.path not in {"", "/"} or parts.fragment:
        raise _wrong(
            "has something after the host and port; a '/', '#' or '?' in the user name or "
            "password must be percent-encoded"
        )
    if port == 0:
        raise _wrong("has port 0; give the port the mail server listens on")
    if (username is None) != (password is None) or username == "":
        raise _wrong("has half a login; give user:password@ or neither")
    tls = parts.scheme == "smtps"
    options = _options(parts.query)
    if tls and "starttls" in options:
        raise _wrong("asks for starttls inside smtps, which is encrypted from the start")
    starttls = _starttls(options.get("starttls", "off" if tls else "auto"))
    if port is None:
        port = _SMTPS_PORT if tls else _SUBMISSION_PORT if starttls == "required" else _SMTP_PORT
    return SmtpServer(
        host=host,
        port=port,
        tls=tls,
        starttls=starttls,
        timeout_seconds=_timeout(options.get("timeout", str(_TIMEOUT_SECONDS))),
        username=unquote(username) if username is not None else None,
        password=unquote(password) if password is not None else None,
    )


def _options(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) != len(pairs):
        raise _wrong("gives an option twice")
    # Unknown names are not shown: after an unescaped '?' they are pieces of the password.
    if not options.keys() <= {"starttls", "timeout"}:
        raise _wrong("has an unknown option; the options are starttls and timeout")
    return options


def _starttls(value: str) -> StartTls:
    if value not in get_args(StartTls):
        raise _wrong("has an unknown starttls; it is auto, required or off")
    return cast("StartTls", value)


def _timeout(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_TIMEOUT_SECONDS:
        raise _wrong(
            f"has an unusable timeout; it is a number of seconds up to {_LONGEST_TIMEOUT_SECONDS:g}"
        )
    return seconds


def _wrong(problem: str) -> ValueError:
    return ValueError(f"SMTP_URL {problem}. Write it as {_SHAPE}, or smtps://…")

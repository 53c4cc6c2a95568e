"""A real SMTP server on a free port of the loopback, told by the test how to answer."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Taken:
    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool


@dataclass
class MailServer:
    """What the server shall answer (the first of each list is used up first) and what it took."""

    answers_to_mail: list[str] = field(default_factory=list)
    answers_to_rcpt: list[str] = field(default_factory=list)
    answers_to_data: list[str] = field(default_factory=list)
    password: str | None = None
    silent_at_quit: bool = False
    taken: list[Taken] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?timeout=5"

    # Names and signatures below are the server library's.

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers_to_mail:
            return self.answers_to_mail.pop(0)
        if self.password is not None and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers_to_rcpt:
            return self.answers_to_rcpt.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answers_to_data:
            return self.answers_to_data.pop(0)
        assert envelope.mail_from is not None
        assert envelope.original_content is not None
        self.taken.append(
            Taken(
                sender=envelope.mail_from,
                recipients=envelope.rcpt_tos,
                content=envelope.original_content,
                encrypted=session.ssl is not None,
            )
        )
        return f"250 OK queued as {len(self.taken)}"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.silent_at_quit:
            await asyncio.Event().wait()
        return "221 Bye"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: object
    ) -> AuthResult:
        assert isinstance(login, LoginPassword)
        self.logins.append((login.login.decode(), login.password.decode()))
        good = login.password.decode() == self.password
        return AuthResult(success=good, handled=False)


StartServer = Callable[..., AbstractAsyncContextManager[MailServer]]


@pytest.fixture
def start_server() -> StartServer:
    @asynccontextmanager
    async def start(
        behaviour: MailServer | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        **options: Any,
    ) -> AsyncIterator[MailServer]:
        behaviour = behaviour or MailServer()
        loop = asyncio.get_running_loop()
        if behaviour.password is not None:
            options["authenticator"] = behaviour.authenticate

        def session() -> SMTP:
            return SMTP(behaviour, hostname="mail.test", loop=loop, tls_context=starttls, **options)

        server = await loop.create_server(session, "127.0.0.1", 0, ssl=tls)
        behaviour.port = server.sockets[0].getsockname()[1]
        try:
            yield behaviour
        finally:
            server.close()

    return start


@dataclass(frozen=True)
class Certificate:
    authority: Path
    """What a client trusts to trust this server."""
    server_context: ssl.SSLContext


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for 127.0.0.1, signed by itself."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, private = folder / "authority.pem", folder / "key.pem"
    authority.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, private)
    return Certificate(authority=authority, server_context=context)


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """The same certificate, among the system's authorities."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    return certificate

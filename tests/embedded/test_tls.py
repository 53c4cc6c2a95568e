"""PostgreSQL and Temporal behind TLS, as they are reached anywhere but on this machine.

The mail server's TLS is tried in tests/mail.
"""

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from temporalio.service import RPCError

from bootstrap.away import why
from bootstrap.settings import Settings, load_settings
from bootstrap.wiring import connect_temporal
from embedded.postgres import Cluster
from embedded.temporal import dev_temporal
from store.database import open_pool
from store.migrations import migrate
from tests.conftest import MASTER_KEY, Database

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""How a client asks PostgreSQL for TLS."""


@dataclass(frozen=True)
class Papers:
    """An authority, and what it signed for 127.0.0.1: for a server, and for whoever calls."""

    authority: Path
    certificate: Path
    key: Path
    client_certificate: Path
    client_key: Path


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return _papers(tmp_path_factory.mktemp("papers"))


def _papers(folder: Path) -> Papers:
    authority, server, client = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority.test")])

    def signed(name: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(address, critical=False)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .sign(authority, hashes.SHA256())
        )

    found = Papers(
        folder / "authority.pem",
        *(folder / f"{who}.{what}" for who in ("server", "client") for what in ("pem", "key")),
    )
    found.authority.write_bytes(signed(issuer, authority, ca=True).public_bytes(Encoding.PEM))
    for who, key, paper, secret in (
        ("server.test", server, found.certificate, found.key),
        ("client.test", client, found.client_certificate, found.client_key),
    ):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, who)])
        paper.write_bytes(signed(subject, key, ca=False).public_bytes(Encoding.PEM))
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        secret.chmod(0o600)
    return found


@asynccontextmanager
async def behind_tls(
    port: int, papers: Papers, *, asked: bool = False, mutual: bool = False
) -> AsyncIterator[tuple[str, int]]:
    """A way to a plain server that begins with TLS, or after PostgreSQL's question for it.

    Args:
        asked: PostgreSQL's question comes first.
        mutual: Whoever calls must show a certificate of the same authority.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers.certificate, papers.key)
    context.set_alpn_protocols(["h2"])
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(papers.authority)
    meetings: set[asyncio.Task[Any]] = set()

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece)
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        meetings.add(task)
        ends = [writer.transport]
        try:
            if asked:
                assert await reader.readexactly(8) == SSL_REQUEST
                writer.write(b"S")
                await writer.start_tls(context)
                ends.append(writer.transport)
            there, back = await asyncio.open_connection("127.0.0.1", port)
            ends.append(back.transport)
            await asyncio.gather(passed(reader, back), passed(there, writer))
        except OSError:
            pass  # Whoever does not trust us hangs up.
        finally:
            for end in ends:
                end.abort()

    server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=None if asked else context)
    yield "127.0.0.1", server.sockets[0].getsockname()[1]
    server.close()
    for task in meetings:
        task.cancel()
    await asyncio.wait(meetings)


async def test_the_store_is_reached_with_tls_and_only_with_a_certificate_that_is_trusted(
    database: Database, papers: Papers, tmp_path: Path
) -> None:
    # PostgreSQL of the wheel is built without TLS; what stands before many a server ends it.
    async with behind_tls(database.cluster.port, papers, asked=True) as (host, port):
        there = f"{host}:{port}"
        plain = f"127.0.0.1:{database.cluster.port}"
        trusting = f"?sslmode=verify-full&sslrootcert={papers.authority}"
        await migrate(database.owner_url.replace(plain, there) + trusting)
        pool = await open_pool(database.url.replace(plain, there) + trusting, size=1)
        assert await pool.fetchval("select kind from es.store") == "production"
        await pool.close()

        other = tmp_path / "other"
        other.mkdir()
        url = database.url.replace(plain, there)
        for refused in (
            # Signed by another authority; and of another name than it is reached by.
            f"{url}?sslmode=verify-full&sslrootcert={_papers(other).authority}",
            url.replace(host, "localhost") + trusting,
        ):
            with pytest.raises((OSError, asyncpg.PostgresError)) as no:
                await (await open_pool(refused, size=1)).close()
            assert "certificate" in why(no.value), str(no.value)


async def test_a_store_that_offers_no_tls_is_refused_where_it_is_required(
    cluster: Cluster,
) -> None:
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await (await open_pool(cluster.app_url() + "?sslmode=require", size=1)).close()


def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TEMPORAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", "/dev/null")


def settings_for(home: Path, temporal: str) -> Settings:
    key = home / "master.key"
    key.write_bytes(base64.b64encode(MASTER_KEY))
    return load_settings(
        {
            "HANDRAIL_HOME": str(home),
            "TEMPORAL_ADDRESS": temporal,
            "HANDRAIL_KEY_FILE": str(key),
            "XDG_CONFIG_HOME": str(home),
        }
    )


async def test_temporal_is_reached_with_tls_and_only_with_a_certificate_that_is_trusted(
    tmp_path: Path, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_is_set(monkeypatch)
    with dev_temporal(tmp_path / "temporal") as plain:
        async with behind_tls(int(plain.address.rpartition(":")[2]), papers) as (host, port):
            settings = settings_for(tmp_path, f"{host}:{port}")
            monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(papers.authority))
            client = await connect_temporal(settings)
            assert (await client.count_workflows("")).count == 0
            # Trusted by nobody on this machine.
            monkeypatch.delenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH")
            monkeypatch.setenv("TEMPORAL_TLS", "true")
            with pytest.raises((RuntimeError, RPCError)) as no:
                await connect_temporal(settings)
            assert "certificate" in why(no.value), str(no.value)


async def test_who_must_show_a_certificate_of_its_own_does(
    database: Database, tmp_path: Path, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sides prove who they are, to Temporal and to PostgreSQL."""
    nothing_is_set(monkeypatch)
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(papers.authority))
    with dev_temporal(tmp_path / "temporal") as plain:
        port = int(plain.address.rpartition(":")[2])
        async with behind_tls(port, papers, mutual=True) as (host, port):
            settings = settings_for(tmp_path, f"{host}:{port}")
            # The server hangs up on who shows none; why, it says to nobody.
            with pytest.raises((RuntimeError, RPCError)):
                await connect_temporal(settings)
            monkeypatch.setenv("TEMPORAL_TLS_CLIENT_CERT_PATH", str(papers.client_certificate))
            monkeypatch.setenv("TEMPORAL_TLS_CLIENT_KEY_PATH", str(papers.client_key))
            client = await connect_temporal(settings)
            assert (await client.count_workflows("")).count == 0
    behind = behind_tls(database.cluster.port, papers, asked=True, mutual=True)
    async with behind as (host, port):
        url = database.url.replace(f"127.0.0.1:{database.cluster.port}", f"{host}:{port}")
        trusting = f"{url}?sslmode=verify-full&sslrootcert={papers.authority}"
        with pytest.raises((OSError, asyncpg.PostgresError)):
            await (await open_pool(trusting, size=1)).close()
        shown = f"&sslcert={papers.client_certificate}&sslkey={papers.client_key}"
        pool = await open_pool(trusting + shown, size=1)
        assert await pool.fetchval("select kind from es.store") == "production"
        await pool.close()

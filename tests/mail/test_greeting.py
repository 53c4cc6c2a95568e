"""Whether a mail server answers is looked at as a worker meets it, encryption included."""

from pathlib import Path

import pytest

from bootstrap.settings import Settings
from bootstrap.values import Secret
from embedded.looks.mail import look_at_mail
from tests.mail.conftest import Certificate, StartServer


async def looked_at(url: str, home: Path) -> tuple[str, str]:
    [found] = await look_at_mail(Settings(home=home, smtp_url=Secret(url)), "")
    return found.state, found.seen


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
async def test_a_server_with_a_certificate_that_is_trusted_is_well(
    start_server: StartServer, trusted: Certificate, tmp_path: Path, scheme: str
) -> None:
    context = trusted.server_context
    how = {"tls": context} if scheme == "smtps" else {"starttls": context}
    more = "" if scheme == "smtps" else "?starttls=required"
    async with start_server(**how) as server:
        url = f"{scheme}://127.0.0.1:{server.port}{more}"
        assert (await looked_at(url, tmp_path))[0] == "ok"


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
async def test_a_certificate_nobody_vouches_for_is_told(
    start_server: StartServer, certificate: Certificate, tmp_path: Path, scheme: str
) -> None:
    context = certificate.server_context
    how = {"tls": context} if scheme == "smtps" else {"starttls": context}
    async with start_server(**how) as server:
        state, seen = await looked_at(f"{scheme}://127.0.0.1:{server.port}", tmp_path)
        assert (state, "certificate" in seen) == ("away", True), seen


async def test_a_server_without_the_encryption_that_is_required_is_told(
    start_server: StartServer, tmp_path: Path
) -> None:
    async with start_server() as server:
        state, seen = await looked_at(f"smtp://127.0.0.1:{server.port}?starttls=required", tmp_path)
        assert (state, "STARTTLS" in seen) == ("away", True), seen
        state, seen = await looked_at(f"smtps://127.0.0.1:{server.port}", tmp_path)
        assert (state, "TLS" in seen) == ("away", True), seen

"""Whether the mail server answers, and whether it is one: a mail catcher delivers nothing."""

import asyncio
import smtplib
import ssl
from typing import Any
from urllib.parse import urlsplit

from bootstrap.away import why
from bootstrap.settings import ENVIRONMENT, Settings
from embedded.findings import Finding
from embedded.foreign import CONNECT_SECONDS, without_password
from embedded.services import NO_MAIL_LEAVES

CATCHERS = ("handrail mail catcher", "mailpit", "mailhog", "mailcatcher", "smtp4dev", "maildev")
"""How mail catchers greet, ours and those people know."""


async def look_at_mail(settings: Settings, restart: str) -> list[Finding]:
    """Greet the mail server; nothing is sent.

    Args:
        settings: Where it is.
        restart: What to do where it does not answer.
    """
    part = "Mail"
    if settings.smtp_url is None:
        remedy = f"Run `handrail up`, or set {ENVIRONMENT['smtp_url']} to a service of your own."
        return [Finding(part, "away", "no address is known", remedy)]
    url = settings.smtp_url.told()
    where = without_password(url)
    try:
        banner = await asyncio.to_thread(_greet, url)
    except (OSError, smtplib.SMTPException) as error:
        return [Finding(part, "away", f"{where}: {why(error)}", restart)]
    if not any(name in banner.casefold() for name in CATCHERS):
        return [Finding(part, "ok", where)]
    if await _kind(settings) == "production":
        return [
            Finding(
                part,
                "attention",
                f"{where}, a mail catcher: {NO_MAIL_LEAVES}, and this store is for real work",
                f"Set {ENVIRONMENT['smtp_url']} to your mail server before anybody waits for a "
                "reminder.",
            )
        ]
    return [Finding(part, "ok", f"{where}, a mail catcher: {NO_MAIL_LEAVES}")]


def _greet(url: str) -> str:
    parts = urlsplit(url)
    secure = parts.scheme == "smtps"
    server = (
        smtplib.SMTP_SSL(timeout=CONNECT_SECONDS, context=ssl.create_default_context())
        if secure
        else smtplib.SMTP(timeout=CONNECT_SECONDS)
    )
    try:
        code, banner = server.connect(parts.hostname or "", parts.port or (465 if secure else 25))
        if code != 220:
            raise smtplib.SMTPConnectError(code, banner)
        server.noop()
        return banner.decode("utf-8", "replace")
    finally:
        server.close()


async def _kind(settings: Settings) -> Any:
    """Of which kind the store is; None where it cannot be asked, which is said elsewhere."""
    import asyncpg

    from store.database import queries

    if settings.database_url is None:
        return None
    try:
        connection = await asyncpg.connect(settings.database_url.told(), timeout=CONNECT_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None
    try:
        return await queries.store_kind(connection)
    except asyncpg.PostgresError:
        return None
    finally:
        await connection.close()

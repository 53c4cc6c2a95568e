"""Whether the mail server answers, and whether it is one: a mail catcher delivers nothing."""

from dataclasses import replace
from typing import Any

from aiosmtplib import SMTPException

from activities.mail.deliver import connected
from activities.mail.smtp_url import parse_smtp_url
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
        banner = await _greeting(url)
    except (OSError, SMTPException) as error:
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


async def _greeting(url: str) -> str:
    """How the server greets, once it is met as a worker meets it: encrypted and logged in."""
    server = replace(parse_smtp_url(url), timeout_seconds=CONNECT_SECONDS)
    client, greeting = await connected(server)
    client.close()
    return greeting


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

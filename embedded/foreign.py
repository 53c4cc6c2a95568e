"""Services that are not ours: meeting them, and naming them without their passwords."""

import asyncio
from urllib.parse import urlsplit

from bootstrap.away import why
from bootstrap.settings import ENVIRONMENT, Settings
from embedded.process import LOOPBACK, StartError

CONNECT_SECONDS = 5.0


async def check_database(url: str) -> None:
    """Make sure a database lets us in.

    Raises:
        StartError: It does not; the message never shows the password.
    """
    import asyncpg

    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartError(
            f"PostgreSQL at {without_password(url)} is not usable: {why(error)}. "
            f"Check {ENVIRONMENT['database_url']} and {ENVIRONMENT['owner_database_url']}, or "
            "unset them to use the one Handrail brings along."
        ) from error
    await connection.close()


async def check_temporal(settings: Settings) -> None:
    """Make sure a Temporal answers and knows our search attributes.

    Raises:
        StartError: It does not.
    """
    from temporalio.client import Client
    from temporalio.service import RPCError

    from bootstrap.preparation import register_attributes

    address = settings.temporal_address
    try:
        client = await asyncio.wait_for(
            Client.connect(**settings.temporal_connect_config()), CONNECT_SECONDS
        )
        await register_attributes(client)
    except (RPCError, RuntimeError, TimeoutError) as error:
        raise StartError(
            f"Temporal at {address} is not usable: {why(error)}. Check "
            f"{ENVIRONMENT['temporal_address']} and the rest of Temporal's client "
            "configuration, or unset them to use the one Handrail brings along."
        ) from error


def without_password(url: str) -> str:
    """An address fit for a screen."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or LOOPBACK
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"

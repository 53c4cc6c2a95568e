"""Whether what is sent to a server crosses a network in the clear, which has to be asked for.

Only the settings are read: nothing is sent to find out.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

ALLOW = "HANDRAIL_ALLOW_PLAINTEXT"
SERVERS = ("database", "temporal", "mail")
ENCRYPTED = ("require", "verify-ca", "verify-full")
"""What `sslmode` may be: anything less lets whoever sits on the line take the encryption away."""


def is_loopback(host: str | None) -> bool:
    """Whether a name or an address is this machine's own, so that nobody sits on the line."""
    name = (host or "").strip("[]").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def problem(name: str, read: Mapping[str, Any], env: Mapping[str, str]) -> str | None:
    """Why the server that a setting names must not be reached so; None where it may.

    Temporal's own settings are read when it is met (`temporal_problem`).
    """
    allowed = read.get("allow_plaintext", ())
    if name in ("database_url", "owner_database_url") and "database" not in allowed:
        return database_problem(read[name].told(), env)
    if name == "smtp_url" and "mail" not in allowed:
        return mail_problem(read[name].told())
    return None


def database_problem(url: str, env: Mapping[str, str]) -> str | None:
    """What is wrong with how PostgreSQL is reached; None where nothing is."""
    parts = urlsplit(url)
    mode = parse_qs(parts.query).get("sslmode", [env.get("PGSSLMODE", "")])[-1]
    # A list of hosts is one name here, and loopback only if every one is.
    hosts = [part.rpartition("@")[2] for part in parts.netloc.split(",")]
    if mode in ENCRYPTED or all(is_loopback(urlsplit(f"//{host}").hostname) for host in hosts):
        return None
    return _refusal(
        "the password, names and addresses would cross the network in the clear, or could be made "
        "to",
        "add ?sslmode=verify-full&sslrootcert=FILE to the address (or at least ?sslmode=require)",
        "database",
    )


def mail_problem(url: str) -> str | None:
    """What is wrong with how the mail server is reached; None where nothing is."""
    parts = urlsplit(url)
    insists = parse_qs(parts.query).get("starttls", ["auto"])[-1] == "required"
    if parts.scheme == "smtps" or insists or is_loopback(parts.hostname):
        return None
    return _refusal(
        "reminders and the login would cross the network in the clear, or could be made to",
        "use smtps://, or add ?starttls=required",
        "mail",
    )


def temporal_problem(address: str, config: Mapping[str, Any]) -> str | None:
    """What is wrong with how Temporal is reached; None where nothing is."""
    if config.get("tls") or is_loopback(urlsplit(f"//{address}").hostname):
        return None
    return _refusal(
        "whoever sits on the line could see who acts on what, hold commands back and send others",
        "set TEMPORAL_TLS=true with TEMPORAL_TLS_SERVER_CA_CERT_PATH, or TEMPORAL_API_KEY",
        "temporal",
    )


def _refusal(risk: str, cure: str, server: str) -> str:
    return (
        f"it is not on this machine and the connection is not encrypted: {risk}. Encrypt it: "
        f"{cure}. Where nobody can sit on the line, say so with {ALLOW}={server}"
    )

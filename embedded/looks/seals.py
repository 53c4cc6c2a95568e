"""Whether what was recorded is sealed in time, and what is easily seen of seals that are wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bootstrap.settings import Settings, SettingsError
from embedded.findings import Finding

PATIENCE = timedelta(minutes=1)
"""A worker seals four times a second; another takes over within seconds."""
NEWEST = 500
"""Of so many events the seals of their writers are looked at; `admin verify` looks at all."""
SHOWN = 3


async def look_at_seals(connection: Any, settings: Settings) -> list[Finding]:
    """Hold the ends of streams and the newest events against their seals."""
    from store.database import listed, queries
    from store.vault import Vault

    try:
        vault = Vault(settings.master_key())
    except SettingsError:
        return []  # Said under "Master key".
    keys = {row["master_id"] for row in await listed(queries.master_ids(connection))}
    if keys and vault.master_id not in keys:
        return []  # Said under "Keys".
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        wrong = await _wrong(connection, vault)
        late = await queries.unsealed_since(connection)
        real = await queries.store_kind(connection) == "production"
    findings = []
    if wrong:
        named = ", ".join(wrong[:SHOWN])
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        findings.append(
            Finding(
                "Seals",
                "attention",
                f"do not fit: {named}{more}",
                "Change nothing, and run `handrail admin verify`: it says what differs. What is "
                "recorded after it is not sealed until that is mended.",
            )
        )
    # A sandbox's instants are its own clock's.
    if late["events"] and real and late["now"] - late["since"] >= PATIENCE:
        findings.append(
            Finding(
                "Seals",
                "attention",
                f"{late['events']} events lie unsealed since {_minute(late['since'])}",
                "See the line about workers; where one lives, its log says why under "
                "`sealing_interrupted`. They are sealed by themselves then.",
            )
        )
    return findings


async def _wrong(connection: Any, vault: Any) -> list[str]:
    """Whose seal does not fit: the store's, the ends of streams, the newest events."""
    from store.database import listed, queries
    from store.evidence import fits
    from store.sealing import head_of, whole_of

    found = []
    row = await queries.sealed(connection)
    if row is not None and not fits(row["mac"], vault.evidence.whole(whole_of(row))):
        found.append("the store's seal")
    ends = await listed(queries.sealed_ends(connection))
    found += [
        end["stream"]
        for end in ends
        if not (end["stands"] and fits(end["mac"], vault.evidence.head(head_of(end))))
    ]
    keyed_from = {end["stream"]: end["keyed_from"] for end in ends}
    for event in await listed(queries.newest_events(connection, at_most=NEWEST)):
        # What an earlier release recorded bears no seal of its own.
        if event["version"] >= keyed_from.get(event["stream"], 1) and not fits(
            event["seal"], vault.evidence.event_in(event)
        ):
            found.append(f"{event['stream']} event {event['version']}")
    return found


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

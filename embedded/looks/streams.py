"""Streams that cannot be read: those that somebody met, and what a look of a few seconds finds."""

from random import sample
from time import monotonic
from typing import Any

from bootstrap.settings import Settings, SettingsError
from embedded.findings import Finding

LOOK_SECONDS = 2.0
"""For looking at what nobody met: what one look does not come to, another does."""


async def streams(connection: Any, settings: Settings) -> list[Finding]:
    """What is known to be sick, and what a look over the others finds."""
    from store.database import listed, queries
    from store.errors import ForeignKey
    from store.sick import examine, note
    from store.vault import Vault

    try:
        vault = Vault(settings.master_key())
    except SettingsError:
        return []  # Said under "Master key".
    known = [row["stream"] for row in await listed(queries.sick_streams(connection))]
    others = [row["stream"] for row in await listed(queries.all_streams(connection))]
    others = sample(others, len(others))
    found = []
    looked, until = 0, monotonic() + LOOK_SECONDS
    try:
        for stream in dict.fromkeys([*known, *others]):
            if stream not in known and monotonic() > until:
                break
            looked += not stream.startswith(("mail:", "receipt:"))
            if sick := await examine(connection, vault, stream):
                if stream not in known:
                    await note(connection, sick)
                found.append(sick)
    except ForeignKey:
        return []  # Said under "Keys".
    if found:
        return [
            Finding("Streams", "attention", f"{one.stream} cannot be read: {one.why}", one.remedy)
            for one in sorted(found, key=lambda one: one.stream)
        ]
    if looked < len(others):
        return [Finding("Streams", "ok", f"{looked} of {len(others)} looked at, all can be read")]
    return [Finding("Streams", "ok", f"all {looked} can be read")]

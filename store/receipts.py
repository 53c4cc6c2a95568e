"""Answers as they are kept: in the clear but for their words, sealed by whom they name."""

import json
from uuid import UUID

from pydantic import ValidationError

from domain.envelope import Receipt, Told
from domain.kernel.sealed import Sealed
from store.database import Connection, listed, queries
from store.errors import RESTORE, ForeignKey, Unreadable, VaultError
from store.vault import Vault


def place(command_id: UUID) -> str:
    """What the words of an answer are bound to."""
    return f"receipt {command_id}"


async def kept_receipt(
    connection: Connection, vault: Vault, command_id: UUID, content: str
) -> Receipt:
    """An answer as it was given, with its words opened.

    Raises:
        Unreadable: It cannot be read.
    """
    try:
        kept = Receipt.model_validate_json(content)
        document = {"message": json.loads(kept.message)}
        await vault.open(connection, [(f"{place(command_id)}+0", document)])
        message = str(Sealed.model_validate(document["message"]))
    except ForeignKey:
        raise
    except (VaultError, ValidationError, ValueError) as problem:
        why = str(problem) if isinstance(problem, VaultError) else "it has another form"
        # Not chained: what it said may be about people.
        raise Unreadable(
            f"receipt:{command_id}", None, f"what was answered cannot be opened: {why}", RESTORE
        ) from None
    return kept.model_copy(update={"message": message})


async def receipt_from_log(
    connection: Connection, command_id: UUID, stream: str, why: Unreadable
) -> Receipt:
    """What the log says of an answer that cannot be read: whether something was recorded."""
    rows = await listed(queries.events_of_command(connection, stream=stream, command_id=command_id))
    done = "and what it recorded stands" if rows else "and recorded nothing"
    return Receipt(
        command_id=command_id,
        stream=stream,
        outcome="recorded" if rows else "refused",
        refusal=None if rows else "Sick",
        message=f"This command was answered before, {done}. {why}",
        version=max((row["version"] for row in rows), default=0),
        events=tuple(Told.model_validate(dict(row)) for row in rows),
    )

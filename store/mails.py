"""Mails as they were frozen before the mail server saw them."""

import json
from typing import Any

from store.database import Connection
from store.errors import RESTORE, ForeignKey, Unreadable, VaultError
from store.vault import Vault


async def kept_letter(connection: Connection, vault: Vault, row: Any) -> dict[str, str] | None:
    """A mail as it was frozen: sender, recipient, message; None once its reader was erased.

    Raises:
        Unreadable: It cannot be opened.
    """
    try:
        document = json.loads(row["content"])
        await vault.open(connection, [(f"mail {row['id']}+0", document)])
        return None if document["text"] is None else dict(json.loads(document["text"]))
    except ForeignKey:
        raise
    except (VaultError, KeyError, TypeError, ValueError) as problem:
        why = str(problem) if isinstance(problem, VaultError) else "it has no text"
        raise Unreadable(
            f"mail:{row['id']}", None, f"what was to be sent cannot be opened: {why}", RESTORE
        ) from problem

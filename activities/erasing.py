"""Erasing somebody: their key is destroyed, and what names them in the clear is written anew.

Nothing else is touched: not the read models of anybody else, nor a mail that does not name them.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from activities.mail.redact import naming, texts, without
from domain.kernel.messages import Recorded, State
from domain.program.people import PersonChanged, PersonRegistered
from domain.rules.context import Context, PersonEntry
from domain.streams import id_of
from store.database import Connection, listed, queries
from store.errors import Unreadable
from store.events import Conflict, read_state, read_stream
from store.mails import kept_letter
from store.projections import project
from store.sick import examine, note
from store.vault import Vault


def words_of(history: Iterable[Recorded]) -> set[str]:
    """Every handle, name and address that a person ever had."""
    found = set()
    for recorded in history:
        match recorded.event:
            case PersonRegistered() | PersonChanged() as event:
                handle = getattr(event, "handle", None)
                found |= {s.text for s in (handle, event.name, event.email) if s and s.text}
            case _:
                pass
    return found


async def erase(connection: Connection, vault: Vault, stream: str, context: Context) -> State:
    """Erase the person of a stream, in the caller's transaction; the stream as it reads then.

    A mail that cannot be opened is left as it is, and noted: they are taken out of it once it can.
    """
    person = id_of(stream)
    await queries.take_person(connection, person=person)
    words = words_of(await read_stream(connection, vault, stream))
    for row in await listed(queries.mails_naming(connection, person=person)):
        try:
            await _take_out(connection, vault, row, words)
        except Unreadable:
            document = {"about": _own_key(row["id"]), "text": json.dumps(sorted(words))}
            await vault.seal(connection, _words_place(row["id"], person), [document])
            await queries.add_unreached(
                connection, mail=row["id"], person=person, words=json.dumps(document)
            )
            if sick := await examine(connection, vault, f"mail:{row['id']}"):
                await note(connection, sick)
    await vault.destroy(connection, person)
    state = await read_state(connection, vault, stream)
    await project(connection, state, [], context)
    return state


async def take_out_rest(connection: Connection, vault: Vault, mail: UUID) -> None:
    """Take everybody out of a mail who was erased while it could not be opened."""
    async with connection.transaction():
        row = await queries.mail(connection, id=mail)
        unreached = await listed(queries.unreached(connection, mail=mail))
        for one in unreached:
            document = json.loads(one["words"])
            await vault.open(connection, [(f"{_words_place(mail, one['person'])}+0", document)])
            await _take_out(connection, vault, row, set(json.loads(document["text"])))
            row = await queries.mail(connection, id=mail)
        if unreached:
            await queries.reached(connection, mail=mail)


def _own_key(mail: UUID) -> str:
    """Whose key seals the words to be taken out of a mail: its own, that seals nothing else."""
    return f"mail:{mail}"


def _words_place(mail: UUID, person: str) -> str:
    return f"unreached {mail} {person}"


async def note_names(
    connection: Connection, mail: UUID, message: EmailMessage, people: Mapping[str, PersonEntry]
) -> None:
    """Keep whom of these people a mail names, so that it can be written anew without them.

    Raises:
        Conflict: One of them was erased while the mail was made.
    """
    said = "\n".join(texts(message))
    named = [
        entry.id
        for entry in {entry.id: entry for entry in people.values()}.values()
        if (pattern := naming(filter(None, (entry.name, entry.handle, entry.email))))
        and pattern.search(said)
    ]
    if len(await listed(queries.hold_people(connection, persons=named))) < len(named):
        raise Conflict("somebody was erased whom a mail names that is being made")
    await queries.put_mail_names(connection, mail=mail, persons=named)


async def _take_out(connection: Connection, vault: Vault, row: Any, words: set[str]) -> None:
    """Write a mail to somebody else anew without the words that name a person.

    Raises:
        Unreadable: It cannot be opened.
    """
    letter = await kept_letter(connection, vault, row)
    if letter is None:
        return
    letter["message"] = base64.b64encode(
        without(base64.b64decode(letter["message"]), words)
    ).decode()
    document = {"about": json.loads(row["content"])["about"], "text": json.dumps(letter)}
    await vault.seal(connection, f"mail {row['id']}", [document])
    await queries.rewrite_mail(connection, id=row["id"], content=json.dumps(document))

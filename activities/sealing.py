"""What travels through Temporal is sealed by whom it names, so that erasing reaches it there too.

Temporal keeps a command and its answer for as long as its histories last, and longer in backups of
its database. Its own encryption has one key for all; so what names people is sealed with theirs
before: a destroyed key makes it unreadable wherever it lies.
"""

import json
from typing import Any

from domain.envelope import Envelope, Receipt
from domain.kernel.refusals import Refused
from domain.kernel.sealed import Sealed
from domain.streams import aggregate_of, id_of, is_person_id, person_id_from, stream_of, subject_of
from store.database import Connection
from store.errors import ForeignKey, VaultError
from store.names import named_in, person_called, words
from store.vault import Vault

SOMEBODY = "person:somebody"
"""In the place of a stream that was named by what nobody in the directory is called."""

_REGISTER = frozenset({"person register", "program init"})
"""The kinds of command that bring somebody into the directory."""


class NamesTheErased(Refused):
    """A command that names somebody who has been erased since it was given."""


def is_sealed(document: Any) -> bool:
    """Whether a command's body is what `seal` makes."""
    return isinstance(document, dict) and document.keys() == {"about", "sealed"}


async def seal(connection: Connection, vault: Vault, envelope: Envelope) -> Envelope:
    """The command as it may travel: sealed by everybody it names, the acting person among them."""
    content = {"stream": envelope.stream, "actor": envelope.actor, "body": envelope.body}
    text = json.dumps(content)
    subjects = dict.fromkeys(await named_in(connection, "\n".join(words(content))))
    stream = envelope.stream
    if envelope.kind in _REGISTER:
        subjects[person_id_from(envelope.command_id)] = None
    elif aggregate_of(stream) == "person":
        name = id_of(stream).removeprefix("@")
        person = await person_called(connection, name)
        stream = stream_of("person", person) if person else SOMEBODY
        subjects |= {person: None} if person else {}
    if not subjects:
        return envelope
    told = Sealed(about=" ".join(subjects), text=text)
    document = await vault.seal(connection, _place(envelope), told)
    return envelope.model_copy(update={"stream": stream, "actor": "", "body": document})


async def opened(connection: Connection, vault: Vault, envelope: Envelope) -> Envelope:
    """The command as it was given.

    Raises:
        NamesTheErased: A key that seals it has been destroyed.
    """
    document = dict(envelope.body)
    await vault.open(connection, [(f"{_place(envelope)}+0", document)])
    if document["text"] is None:
        raise NamesTheErased(
            "This command names somebody who was erased before it was carried out. Give it again "
            "without them: see handrail person list"
        )
    return envelope.model_copy(update=json.loads(document["text"]))


def _place(envelope: Envelope) -> str:
    return f"command {envelope.command_id}"


async def sealed_answer(connection: Connection, vault: Vault, receipt: Receipt) -> Receipt:
    """The answer as it may travel: its words sealed by whom they name."""
    about = await about_words(connection, receipt)
    if not receipt.message or not about:
        return receipt
    told = Sealed(about=" ".join(about), text=receipt.message)
    try:
        document = await vault.seal(connection, _answer(receipt), told)
    except ForeignKey:
        raise
    except VaultError as problem:
        # Its words may name somebody whose key cannot be used: they do not travel.
        return receipt.model_copy(
            update={"message": f"What was answered cannot go out: {problem}."}
        )
    return receipt.model_copy(update={"message": json.dumps(document), "sealed": True})


async def opened_answer(connection: Connection, vault: Vault, receipt: Receipt) -> Receipt:
    """The answer as it was given; words about somebody erased are gone."""
    if not receipt.sealed:
        return receipt
    document = json.loads(receipt.message)
    await vault.open(connection, [(f"{_answer(receipt)}+0", document)])
    said = "(erased)" if document["text"] is None else document["text"]
    return receipt.model_copy(update={"message": said, "sealed": False})


def _answer(receipt: Receipt) -> str:
    return f"answer {receipt.command_id}"


async def about_words(connection: Connection, receipt: Receipt) -> list[str]:
    """By whom the words of an answer are sealed: whom it is about, and everybody it names."""
    about = dict.fromkeys(await named_in(connection, receipt.message))
    if is_person_id(subject_of(receipt.stream)):
        about[subject_of(receipt.stream)] = None
    return list(about)

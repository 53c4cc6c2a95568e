"""Seals text about people before it is stored, with a key per subject that can be destroyed."""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from store.database import Connection, listed, queries
from store.errors import ForeignKey, VaultError
from store.evidence import Evidence

if TYPE_CHECKING:
    # Imported late where it is used: most questions open nothing.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from pydantic import BaseModel

    from domain.kernel.sealed import Sealed

_NONCE_BYTES = 12
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Met:
    """The keys that one transaction has met."""

    keys: dict[str, bytes | None] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    """Whose key was made here: a part of the transaction that is undone undoes it as well."""


_MET: ContextVar[_Met | None] = ContextVar("met", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Ask for each key once inside one transaction, which opens and seals by the same few."""
    before = _MET.set(_Met())
    try:
        yield
    finally:
        _MET.reset(before)


def _sealed(value: Any, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every text in stored data that was sealed, with its path."""
    if isinstance(value, dict):
        if value.keys() >= {"about", "sealed"}:
            yield value, path
            return
        for key, inner in value.items():
            yield from _sealed(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _sealed(inner, f"{path}/{index}")


def shut(documents: Iterable[Any]) -> None:
    """Leave every sealed text out, in place, as if it were erased: for who needs none of it."""
    for document in documents:
        for value, _ in _sealed(document, ""):
            del value["sealed"]
            value["text"] = None


def _aead(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _joint(keys: Sequence[bytes | None]) -> bytes | None:
    """One key made of several; None where any of them was destroyed."""
    whole = [key for key in keys if key is not None]
    if len(whole) < len(keys):
        return None
    return (
        whole[0]
        if len(whole) == 1
        else hashlib.sha256(b"handrail joint key" + b"".join(whole)).digest()
    )


def _lost(about: str) -> VaultError:
    return VaultError(f"the key of {about} is missing, though nobody destroyed it", about)


class Vault:
    """Keys of subjects, wrapped with the master key, which only this process holds."""

    def __init__(self, master_key: bytes) -> None:
        self._master_key = master_key
        self._fingerprint_key = hmac.digest(master_key, b"handrail receipts", "sha256")
        self.master_id = hashlib.sha256(b"handrail master key id" + master_key).hexdigest()[:12]
        self.evidence = Evidence(master_key)

    @cached_property
    def _master(self) -> "AESGCM":
        return _aead(self._master_key)

    def fingerprint(self, content: bytes) -> bytes:
        """A digest that only who holds the master key can make: short texts cannot be guessed."""
        return hmac.digest(self._fingerprint_key, content, "sha256")

    def _wrap(self, subject: str, key: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, key, subject.encode())

    async def _unwrap(self, connection: Connection, row: Any) -> bytes | None:
        """The key of a subject; None where it was destroyed."""
        from cryptography.exceptions import InvalidTag

        subject, wrapped = row["subject"], row["wrapped"]
        if wrapped is None:
            return None
        try:
            key = self._unlocked(subject, wrapped)
        except (InvalidTag, ValueError) as problem:
            used = {r["master_id"] for r in await listed(queries.master_ids(connection))}
            if row["master_id"] == self.master_id or self.master_id in used:
                raise VaultError(
                    f"the wrapped key of {subject} was tampered with", subject
                ) from problem
            raise ForeignKey(
                f"The key of {subject} was wrapped with master key {row['master_id']}, and this "
                f"process has {self.master_id}. Set HANDRAIL_KEY_FILE to the key this store began "
                f"with.",
                subject,
            ) from problem
        return key

    def _unlocked(self, subject: str, wrapped: bytes) -> bytes:
        key = self._master.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], subject.encode())
        _aead(key)
        return key

    def check_wrapped(self, subject: str, wrapped: bytes, master_id: str) -> None:
        """See that a key opens, and is the one that was made for its subject.

        Raises:
            VaultError: It does not.
        """
        from cryptography.exceptions import InvalidTag

        try:
            key = self._unlocked(subject, wrapped)
        except (InvalidTag, ValueError):
            key = b""
        if len(key) != _KEY_BYTES or master_id != self.master_id:
            raise VaultError(f"the wrapped key of {subject} was tampered with", subject)

    async def _keys(self, connection: Connection, abouts: set[str]) -> dict[str, bytes | None]:
        """The key of each text by what it is about, as far as there is one; None where destroyed.

        What is about several is sealed with all of their keys: it goes with any of them.
        """
        own = await self._own_keys(connection, {s for about in abouts for s in about.split()})
        return {
            about: _joint([own.get(s) for s in about.split()])
            for about in abouts
            if own.keys() >= {*about.split()} or any(own.get(s, b"") is None for s in about.split())
        }

    async def _own_keys(
        self, connection: Connection, subjects: set[str]
    ) -> dict[str, bytes | None]:
        met = _MET.get() or _Met()
        found = {subject: met.keys[subject] for subject in subjects & met.keys.keys()}
        if wanted := sorted(subjects - found.keys()):
            rows = await listed(queries.keys(connection, subjects=wanted))
            found |= {row["subject"]: await self._unwrap(connection, row) for row in rows}
            met.keys.update((s, key) for s, key in found.items() if s not in met.made)
        return found

    async def meet(self, connection: Connection, row: Any) -> None:
        """Take up the keys that came with another question, for this transaction.

        One that does not open is asked for again by whoever needs it, and says then what is wrong.
        """
        met = _MET.get() or _Met()
        for subject, wrapped, master_id in zip(
            row["subjects"] or (), row["wrapped"] or (), row["master_ids"] or (), strict=True
        ):
            with suppress(VaultError):
                found = {"subject": subject, "wrapped": wrapped, "master_id": master_id}
                met.keys[subject] = await self._unwrap(connection, found)

    def met(self) -> frozenset[str]:
        """Whose keys this transaction has met."""
        return frozenset((_MET.get() or _Met()).keys)

    async def destroy(self, connection: Connection, subject: str) -> None:
        """Destroy a key: what it sealed reads as erased from now on."""
        await queries.destroy_key(connection, subject=subject)
        (_MET.get() or _Met()).keys.pop(subject, None)

    async def seal(
        self, connection: Connection, place: str, value: "BaseModel | Mapping[str, Sealed]"
    ) -> dict[str, Any]:
        """The JSON data of a value, in which every text about somebody is sealed.

        Args:
            place: What it belongs to, such as stream and version; it is bound to the ciphertext,
                so that sealed text cannot be moved.
        """
        from domain.kernel.sealed import sealed_in

        data: dict[str, Any] = (
            {name: text.model_dump(mode="json") for name, text in value.items()}
            if isinstance(value, Mapping)
            else value.model_dump(mode="json")
        )
        clear = list(sealed_in(value, data, f"{place}+0"))
        abouts = {text.about for text, _, _ in clear}
        subjects = {s for about in abouts for s in about.split()}
        missing = sorted(subjects - (await self._own_keys(connection, subjects)).keys())
        if missing:
            # Who is in the directory has been written about: their key is lost, and with another
            # in its place no backup could bring back what it sealed.
            for row in await listed(queries.people_named(connection, names=missing)):
                if row["id"] in missing:
                    raise _lost(row["id"])
            (_MET.get() or _Met()).made.update(missing)
            fresh = [os.urandom(_KEY_BYTES) for _ in missing]
            await queries.add_keys(
                connection,
                subjects=missing,
                wrapped=[self._wrap(s, k) for s, k in zip(missing, fresh, strict=True)],
                master_ids=[self.master_id] * len(missing),
            )
        keys = await self._keys(connection, abouts)
        for text, part, path in clear:
            del part["text"]
            key = keys[text.about]
            if text.text is None or key is None:
                part["sealed"] = None
                continue
            nonce = os.urandom(_NONCE_BYTES)
            box = nonce + _aead(key).encrypt(nonce, text.text.encode(), path.encode())
            part["sealed"] = base64.b64encode(box).decode()
        return data

    async def open(self, connection: Connection, documents: Iterable[tuple[str, Any]]) -> None:
        """Open every sealed text, in place; what was erased reads None.

        Args:
            documents: Pairs of the place given to `seal`, with ``+0``, and JSON data.
        """
        sealed = [found for place, document in documents for found in _sealed(document, place)]
        if not sealed:
            return
        for value, path in sealed:
            if not (isinstance(value["about"], str) and value["about"].split()):
                raise VaultError(f"the sealed text at {path} does not say whose it is")
        keys = await self._keys(connection, {value["about"] for value, _ in sealed})
        from cryptography.exceptions import InvalidTag

        openers = {subject: _aead(key) for subject, key in keys.items() if key is not None}
        for value, path in sealed:
            box, about = value.pop("sealed"), value["about"]
            if box is not None and about not in keys:
                raise _lost(about)
            opener = openers.get(about)
            if box is None or opener is None:
                value["text"] = None
                continue
            try:
                raw = base64.b64decode(box, validate=True)
                value["text"] = opener.decrypt(
                    raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], path.encode()
                ).decode()
            except (InvalidTag, ValueError, TypeError) as problem:
                raise VaultError(f"the sealed text at {path} was tampered with") from problem

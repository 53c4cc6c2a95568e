"""Encrypts every payload and failure that Temporal keeps, with a key Temporal does not hold."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from typing import Any

import temporalio.converter
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from google.protobuf.message import DecodeError
from pydantic import ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import DataConverter, PayloadCodec
from temporalio.exceptions import ApplicationError

from activities.names import UNDECODABLE

_ENCODING = b"binary/encrypted"
_NONCE_BYTES = 12


_REFUSED = b"handrail/refused"
"""In the place of a payload that is not the store's: no payload converter but ours knows it."""


class StorePayloadConverter(PydanticPayloadConverter):
    """Pydantic models, of payloads that came out of the store's seal.

    Whatever else comes in is refused where it is looked at, as a failure that ends the update, the
    run, the query or the activity that it is for.  An error of another kind, or one in the codec
    already, would fail the workflow's task, which Temporal then repeats for ever.
    """

    def from_payloads(
        self, payloads: Sequence[Payload], type_hints: list[type] | None = None
    ) -> list[Any]:
        """What the payloads say.

        Raises:
            ApplicationError: One is not sealed with the store's key, or has not the form it needs.
        """
        for payload in payloads:
            if payload.metadata.get("encoding") == _REFUSED:
                raise _undecodable(payload.data.decode())
        try:
            return super().from_payloads(payloads, type_hints)
        except ValidationError as problem:
            fields = {".".join(map(str, e["loc"])): e["type"] for e in problem.errors()}
            told = ", ".join(f"{name} ({kind})" for name, kind in fields.items())
            # Not chained: it would repeat the values.
            raise _undecodable(f"It has not the form of {problem.title}: {told}.") from None
        except (KeyError, RuntimeError, ValueError) as problem:
            raise _undecodable("It has not the form it needs.") from problem


def _undecodable(why: str) -> ApplicationError:
    return ApplicationError(why, type=UNDECODABLE, non_retryable=True)


class EncryptingCodec(PayloadCodec):
    """AES-256-GCM with a key derived from the master key; the key's id travels with the payload."""

    def __init__(self, master_key: bytes) -> None:
        key = HKDF(
            algorithm=hashes.SHA256(), length=32, salt=None, info=b"handrail temporal payloads"
        ).derive(master_key)
        self._aead = AESGCM(key)
        self._key_id = hashlib.sha256(b"key id" + key).hexdigest()[:12].encode()

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt payloads as they leave this process."""
        return [self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt payloads; one that is not sealed with this key says so in its place."""
        return [self._decrypted(payload) for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        box = nonce + self._aead.encrypt(nonce, payload.SerializeToString(), self._key_id)
        return Payload(metadata={"encoding": _ENCODING, "key-id": self._key_id}, data=box)

    def _decrypted(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _ENCODING:
            return _refused("It is not sealed with the key of this store, and so from nobody here.")
        key_id = payload.metadata.get("key-id", b"?")
        if key_id != self._key_id:
            return _refused(
                f"It is sealed with key {key_id.decode(errors='replace')}, and the key here is "
                f"{self._key_id.decode()}. Set HANDRAIL_KEY_FILE to the key this store began with."
            )
        try:
            clear = self._aead.decrypt(
                payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:], self._key_id
            )
            return Payload.FromString(clear)
        except (InvalidTag, ValueError, DecodeError):
            return _refused("It was damaged on its way, or tampered with.")


def _refused(why: str) -> Payload:
    return Payload(metadata={"encoding": _REFUSED}, data=why.encode())


def data_converter(master_key: bytes) -> DataConverter:
    """Pydantic models in, ciphertext out; failures and their stack traces included."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_converter_class=StorePayloadConverter,
        payload_codec=EncryptingCodec(master_key),
        failure_converter_class=(temporalio.converter.DefaultFailureConverterWithEncodedAttributes),
    )

"""Encrypts every payload and failure that Temporal keeps, with a key Temporal does not hold."""

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Sequence

import temporalio.converter
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, PayloadCodec

_ENCODING = b"binary/encrypted"
_NONCE_BYTES = 12


class EncryptionError(Exception):
    """A payload was encrypted with another key, or tampered with."""


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
        """Decrypt payloads; what was never encrypted passes through.

        Raises:
            EncryptionError: The key is another one.
        """
        return list(self._decrypted(payloads))

    def _encrypted(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        box = nonce + self._aead.encrypt(nonce, payload.SerializeToString(), self._key_id)
        return Payload(metadata={"encoding": _ENCODING, "key-id": self._key_id}, data=box)

    def _decrypted(self, payloads: Sequence[Payload]) -> Iterable[Payload]:
        for payload in payloads:
            if payload.metadata.get("encoding") != _ENCODING:
                yield payload
                continue
            try:
                clear = self._aead.decrypt(
                    payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:], self._key_id
                )
            except InvalidTag as problem:
                raise EncryptionError(
                    f"A Temporal payload was encrypted with key "
                    f"{payload.metadata.get('key-id', b'?').decode()}, and this process has "
                    f"{self._key_id.decode()}. Set HANDRAIL_KEY_FILE to the key it began with."
                ) from problem
            yield Payload.FromString(clear)


def data_converter(master_key: bytes) -> DataConverter:
    """Pydantic models in, ciphertext out; failures and their stack traces included."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=EncryptingCodec(master_key),
        failure_converter_class=(temporalio.converter.DefaultFailureConverterWithEncodedAttributes),
    )

"""Signatures: with a key of one's own, with one that KMS keeps, and what checks them from public keys alone."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from aircraftops_data.errors import MissingExtraError
from aircraftops_data.transports.services import Service

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from aircraftops_data.audit.keys import PublicKey

_DIGESTS = {"ECDSA_SHA_256": "sha256", "ECDSA_SHA_384": "sha384", "RSASSA_PSS_SHA_256": "sha256"}
# "Sign", AWS KMS API Reference: longer messages are given by their digest.
_MOST_RAW_BYTES = 4096


class Signer(Protocol):
    """What signs, always with the same key."""

    @property
    def key_id(self) -> str:
        """Which key: what a Verifier is asked with later."""
        ...

    @property
    def algorithm(self) -> str:
        """How it signs."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature of a message."""
        ...


class Verifier(Protocol):
    """What knows the keys of signers."""

    def verify(self, key_id: str, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Whether this key signed this message so; False also for a key that is not known, or of another algorithm."""
        ...


class PublicKeys:
    """A Verifier of public keys in PEM: Ed25519, ECDSA on P-256 and P-384, RSASSA-PSS with SHA-256.

    Raises InvalidInputError for any other key; MissingExtraError without the extra `audit`.
    """

    def __init__(self, pems: Iterable[bytes]) -> None:
        with _cryptography():
            from aircraftops_data.audit.keys import public_key_of_pem
        keys = [public_key_of_pem(pem) for pem in pems]
        self._keys = {key.key_id: key for key in keys}

    @property
    def key_ids(self) -> frozenset[str]:
        """The keys that are known."""
        return frozenset(self._keys)

    def verify(self, key_id: str, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Whether this key signed this message so; False also for a key that is not known, or of another algorithm."""
        key = self._keys.get(key_id)
        return key is not None and key.algorithm == algorithm and key.accepts(message, signature)


class Ed25519Signer:
    """Signs with a private key in this process (RFC 8032). Cannot be pickled, and shows its key id alone."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        with _cryptography():
            from aircraftops_data.audit.keys import public_key_of
        self._key = key
        self._public = public_key_of(key.public_key())

    @classmethod
    def generate(cls) -> Ed25519Signer:
        """A signer with a new key. Raises MissingExtraError."""
        with _cryptography():
            from aircraftops_data.audit.keys import new_private_key
        return cls(new_private_key())

    @classmethod
    def from_pem(cls, pem: bytes, password: bytes | None = None) -> Ed25519Signer:
        """A signer with a key in PEM (PKCS #8). Raises InvalidInputError, MissingExtraError."""
        with _cryptography():
            from aircraftops_data.audit.keys import private_key_of_pem
        return cls(private_key_of_pem(pem, password))

    @property
    def key_id(self) -> str:
        """ "ed25519:" and 16 hexadecimal digits of the public key's SHA-256."""
        return self._public.key_id

    @property
    def algorithm(self) -> str:
        """ "ed25519"."""
        return self._public.algorithm

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, 64 bytes."""
        return self._key.sign(message)

    def private_pem(self, password: bytes | None = None) -> bytes:
        """The private key in PEM, encrypted where there is a password."""
        from aircraftops_data.audit.keys import private_pem_of

        return private_pem_of(self._key, password)

    def public_pem(self) -> bytes:
        """The public key in PEM, for PublicKeys."""
        return self._public.pem

    def __repr__(self) -> str:
        return f"Ed25519Signer({self.key_id!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A signer is not pickled: it holds a private key")


class KmsSigner:
    """Signs with an asymmetric key (SIGN_VERIFY) that never leaves AWS KMS; every use goes over the network and blocks.

    `key` is an id, an ARN or an alias; `client` a KMS client, `session` a boto3 session to make one of. The algorithm
    is that of the key: ECDSA_SHA_256 on P-256, ECDSA_SHA_384 on P-384, RSASSA_PSS_SHA_256 with RSA. Its public key is
    asked for once, when something is first asked of the signer; it takes kms:GetPublicKey and kms:Sign. A key of
    another kind raises InvalidInputError; what KMS refuses StoreError or AccessDeniedError. MissingExtraError without
    the extra `audit`.
    """

    def __init__(self, key: str, client: Any = None, session: Any = None) -> None:
        self._key = key
        self._service = Service("kms", client, session)

    @property
    def key_id(self) -> str:
        """Made of the public key: "ecdsa-p256:", "ecdsa-p384:" or "rsa:", and 16 hexadecimal digits of its SHA-256."""
        return self._found[0].key_id

    @property
    def algorithm(self) -> str:
        """KMS's name of it."""
        return self._found[0].algorithm

    def sign(self, message: bytes) -> bytes:
        """The signature of a message: DER for ECDSA. A message over 4096 bytes is given to KMS as its digest."""
        public, arn = self._found
        whole = len(message) <= _MOST_RAW_BYTES
        given = message if whole else hashlib.new(_DIGESTS[public.algorithm], message).digest()
        # By the ARN of the key that was found: what an alias names may have changed since.
        named = {"KeyId": arn, "SigningAlgorithm": public.algorithm, "MessageType": "RAW" if whole else "DIGEST"}
        signature: bytes = self._service.call("Sign", Message=given, **named)["Signature"]
        return signature

    def public_pem(self) -> bytes:
        """The public key in PEM, for PublicKeys."""
        return self._found[0].pem

    @cached_property
    def _found(self) -> tuple[PublicKey, str]:
        with _cryptography():
            from aircraftops_data.audit.keys import public_key_of_der
        found = self._service.call("GetPublicKey", KeyId=self._key)
        return public_key_of_der(found["PublicKey"]), str(found["KeyId"])


@contextmanager
def _cryptography() -> Generator[None]:
    try:
        yield
    except ImportError as error:
        message = 'Signatures need the extra "audit": pip install "aircraftops-data[audit]"'
        raise MissingExtraError(message, extra="audit") from error

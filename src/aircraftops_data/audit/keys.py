"""Public and private keys as the library `cryptography` (the extra `audit`) has them; only this module imports it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aircraftops_data.errors import InvalidInputError

# "Key spec reference", AWS KMS Developer Guide: what KMS signs with on each curve.
_CURVES = {
    "secp256r1": ("ecdsa-p256", "ECDSA_SHA_256", SHA256()),
    "secp384r1": ("ecdsa-p384", "ECDSA_SHA_384", SHA384()),
}
_LEAST_RSA_BITS = 2048
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that checks signatures of one algorithm; `key_id` is made of the key itself."""

    key_id: str
    algorithm: str
    pem: bytes = field(repr=False)
    check: Callable[[bytes, bytes], None] = field(repr=False)

    def accepts(self, message: bytes, signature: bytes) -> bool:
        """Whether this signature of this message was made with the private key."""
        try:
            self.check(signature, message)
        except InvalidSignature:
            return False
        return True


def public_key_of_pem(pem: bytes) -> PublicKey:
    """A public key. Raises InvalidInputError for anything else, and for a key of another kind than these."""
    try:
        key = serialization.load_pem_public_key(pem)
    except _UNREADABLE:
        # It may be a private key by mistake; as below.
        raise InvalidInputError("Not a public key in PEM") from None
    return public_key_of(key)


def public_key_of_der(der: bytes) -> PublicKey:
    """A public key as KMS gives it (SubjectPublicKeyInfo). Raises InvalidInputError."""
    try:
        key = serialization.load_der_public_key(der)
    except _UNREADABLE as error:
        raise InvalidInputError("Not a public key in DER") from error
    return public_key_of(key)


def public_key_of(key: PublicKeyTypes) -> PublicKey:
    """What is known of a key. Raises InvalidInputError for one of another kind than these."""
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if isinstance(key, Ed25519PublicKey):
        return PublicKey(_named("ed25519", key.public_bytes_raw()), "ed25519", pem, key.verify)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in _CURVES:
        kind, algorithm, digest = _CURVES[key.curve.name]
        return PublicKey(_named(kind, der), algorithm, pem, partial(key.verify, signature_algorithm=ECDSA(digest)))
    if isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
        # KMS salts with as many bytes as the digest has, others with more: how many says nothing of who signed.
        check = partial(key.verify, padding=PSS(MGF1(SHA256()), PSS.AUTO), algorithm=SHA256())
        return PublicKey(_named("rsa", der), "RSASSA_PSS_SHA_256", pem, check)
    raise InvalidInputError("A key must be of Ed25519, ECDSA on P-256 or P-384, or RSA of 2048 bits or more")


def _named(kind: str, key: bytes) -> str:
    return f"{kind}:{sha256(key).hexdigest()[:16]}"


def private_key_of_pem(pem: bytes, password: bytes | None) -> Ed25519PrivateKey:
    """A private key of Ed25519. Raises InvalidInputError, which says nothing of what the text holds."""
    try:
        key = serialization.load_pem_private_key(pem, password)
    except _UNREADABLE:
        # Without the cause: nobody can say what its words quote.
        raise InvalidInputError("Not a private key in PEM, or not the password it is encrypted with") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInputError("Not a private key of Ed25519")
    return key


def new_private_key() -> Ed25519PrivateKey:
    """A private key that nobody has had before."""
    return Ed25519PrivateKey.generate()


def private_pem_of(key: Ed25519PrivateKey, password: bytes | None) -> bytes:
    """A private key in PEM (PKCS #8), encrypted where there is a password."""
    encryption = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)

"""Signatures: RFC 8032's own examples, keys in PEM, KMS by moto and by AWS's words; and what never gets out."""

from __future__ import annotations

import base64
import copy
import hashlib
import pickle
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa, utils, x25519
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from aircraftops_data.audit.signing import Ed25519Signer, KmsSigner, PublicKeys, Signer
from aircraftops_data.errors import (
    AccessDeniedError,
    InvalidInputError,
    MissingExtraError,
    RequestRefusedError,
    StoreError,
    ThrottledError,
    TimeoutError,
)
from aircraftops_data.testing import local_session

# RFC 8032, section 7.1: secret key, public key, message, signature.
RFC_8032 = {
    "TEST 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "TEST 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "TEST 3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    "TEST SHA(abc)": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
}
# RFC 8410, section 7: what stands before the 32 bytes of a private key, and of a public one, in DER.
PRIVATE_DER = bytes.fromhex("302e020100300506032b657004220420")
PUBLIC_DER = bytes.fromhex("302a300506032b6570032100")
MESSAGE = b"\x03a checkpoint"


def pem(kind: str, der: bytes) -> bytes:
    """A PEM, made without the library that reads it."""
    return f"-----BEGIN {kind} KEY-----\n{base64.encodebytes(der).decode()}-----END {kind} KEY-----\n".encode()


def public_pem(key: Any) -> bytes:
    """The public half of a private key."""
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize("name", RFC_8032)
def test_the_examples_of_rfc_8032_are_signed_and_verified_as_it_says(name: str) -> None:
    secret, public, message, signature = map(bytes.fromhex, RFC_8032[name])
    signer = Ed25519Signer.from_pem(pem("PRIVATE", PRIVATE_DER + secret))
    assert signer.sign(message) == signature
    assert signer.public_pem() == pem("PUBLIC", PUBLIC_DER + public)
    assert signer.key_id == "ed25519:" + hashlib.sha256(public).hexdigest()[:16]
    keys = PublicKeys([pem("PUBLIC", PUBLIC_DER + public)])
    assert keys.key_ids == {signer.key_id}
    assert keys.verify(signer.key_id, "ed25519", message, signature)


SIGNERS: dict[str, Callable[[], Signer]] = {
    "ed25519": Ed25519Signer.generate,
    "p256": lambda: KmsSigner("k", client=DocumentedKms(ec.generate_private_key(ec.SECP256R1()))),
    "p384": lambda: KmsSigner("k", client=DocumentedKms(ec.generate_private_key(ec.SECP384R1()))),
    "rsa": lambda: KmsSigner("k", client=DocumentedKms(rsa.generate_private_key(65537, 2048))),
}
ARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
ALGORITHMS = {"ed25519": "ed25519", "p256": "ECDSA_SHA_256", "p384": "ECDSA_SHA_384", "rsa": "RSASSA_PSS_SHA_256"}
PREFIXES = {"ed25519": "ed25519:", "p256": "ecdsa-p256:", "p384": "ecdsa-p384:", "rsa": "rsa:"}


class DocumentedKms:
    """KMS as its API reference has it: a digest is not hashed again, PSS is salted with as many bytes as that has."""

    def __init__(self, key: Any) -> None:
        self.key = key
        self.sent: list[dict[str, Any]] = []

    def get_public_key(self, KeyId: str) -> dict[str, Any]:
        self.sent.append({"KeyId": KeyId})
        der = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"KeyId": ARN, "PublicKey": der}

    def sign(self, **given: Any) -> dict[str, Any]:
        self.sent.append(given)
        assert given["KeyId"] == ARN
        assert len(given["Message"]) <= 4096
        algorithm = SHA384() if given["SigningAlgorithm"].endswith("384") else SHA256()
        if given["MessageType"] == "DIGEST":
            assert len(given["Message"]) == algorithm.digest_size
        how: Any = utils.Prehashed(algorithm) if given["MessageType"] == "DIGEST" else algorithm
        if isinstance(self.key, rsa.RSAPrivateKey):
            salted = padding.PSS(padding.MGF1(algorithm), padding.PSS.DIGEST_LENGTH)
            return {"Signature": self.key.sign(given["Message"], salted, how)}
        return {"Signature": self.key.sign(given["Message"], ec.ECDSA(how))}


@pytest.fixture(scope="module", params=list(SIGNERS))
def kind(request: pytest.FixtureRequest) -> str:
    """A kind of key."""
    return str(request.param)


@pytest.fixture(scope="module")
def signer(kind: str) -> Any:
    """A signer with a key of that kind."""
    return SIGNERS[kind]()


@pytest.fixture(scope="module")
def signature(signer: Any) -> bytes:
    """Its signature of MESSAGE."""
    return bytes(signer.sign(MESSAGE))


@pytest.fixture(scope="module")
def keys(signer: Any) -> PublicKeys:
    """What knows its public key and others."""
    others = [Ed25519Signer.generate().public_pem(), public_pem(ec.generate_private_key(ec.SECP256R1()))]
    return PublicKeys([*others, signer.public_pem()])


class TestEveryKind:
    @pytest.mark.parametrize("size", [1, 4096, 4097, 100_000])
    def test_what_was_signed_verifies(self, signer: Any, keys: PublicKeys, size: int) -> None:
        message = b"m" * size
        assert keys.verify(signer.key_id, signer.algorithm, message, signer.sign(message))

    def test_a_key_is_named_by_its_kind_and_its_public_half(self, signer: Any, kind: str) -> None:
        assert signer.algorithm == ALGORITHMS[kind]
        der = base64.b64decode(b"".join(signer.public_pem().splitlines()[1:-1]))
        named = der[len(PUBLIC_DER) :] if kind == "ed25519" else der
        assert signer.key_id == PREFIXES[kind] + hashlib.sha256(named).hexdigest()[:16]
        assert PublicKeys([signer.public_pem()]).key_ids == {signer.key_id}

    @given(bit=st.integers(0, len(MESSAGE) * 8 - 1))
    def test_a_message_with_one_bit_changed_does_not_verify(
        self, signer: Any, signature: bytes, keys: PublicKeys, bit: int
    ) -> None:
        changed = flipped(MESSAGE, bit)
        assert not keys.verify(signer.key_id, signer.algorithm, changed, signature)

    @given(bit=st.integers(0, 256 * 8 - 1))
    def test_a_signature_with_one_bit_changed_does_not_verify(
        self, signer: Any, signature: bytes, keys: PublicKeys, bit: int
    ) -> None:
        changed = flipped(signature, bit % (len(signature) * 8))
        assert not keys.verify(signer.key_id, signer.algorithm, MESSAGE, changed)

    @given(nonsense=st.binary(max_size=300))
    def test_nonsense_is_no_signature_and_no_error(self, signer: Any, keys: PublicKeys, nonsense: bytes) -> None:
        assert not keys.verify(signer.key_id, signer.algorithm, MESSAGE, nonsense)

    def test_a_signature_cut_or_grown_does_not_verify(self, signer: Any, signature: bytes, keys: PublicKeys) -> None:
        for changed in (b"", signature[:-1], signature[1:], signature + b"\0", b"\0" + signature, signature * 2):
            assert not keys.verify(signer.key_id, signer.algorithm, MESSAGE, changed)

    def test_another_key_or_another_algorithm_does_not_verify(
        self, signer: Any, signature: bytes, keys: PublicKeys
    ) -> None:
        for other in keys.key_ids - {signer.key_id} | {"ed25519:0000000000000000", ""}:
            for algorithm in ALGORITHMS.values():
                assert not keys.verify(other, algorithm, MESSAGE, signature)
        for algorithm in {*ALGORITHMS.values(), "", "none"} - {signer.algorithm}:
            assert not keys.verify(signer.key_id, algorithm, MESSAGE, signature)
        assert not PublicKeys([]).verify(signer.key_id, signer.algorithm, MESSAGE, signature)


def flipped(text: bytes, bit: int) -> bytes:
    """The same with one bit changed."""
    changed = bytearray(text)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


class TestPem:
    @pytest.mark.parametrize("password", [None, b"secret words"])
    def test_a_private_key_comes_back_from_its_pem(self, password: bytes | None) -> None:
        signer = Ed25519Signer.generate()
        again = Ed25519Signer.from_pem(signer.private_pem(password), password)
        assert again.sign(MESSAGE) == signer.sign(MESSAGE)
        assert (again.key_id, again.public_pem()) == (signer.key_id, signer.public_pem())
        assert (b"ENCRYPTED" in signer.private_pem(password)) == (password is not None)

    def test_every_key_made_is_another(self) -> None:
        assert len({Ed25519Signer.generate().key_id for _ in range(20)}) == 20

    @pytest.mark.parametrize(("written", "read"), [(None, b"word"), (b"word", None), (b"word", b"other")])
    def test_a_wrong_password_is_refused(self, written: bytes | None, read: bytes | None) -> None:
        text = Ed25519Signer.generate().private_pem(written)
        with pytest.raises(InvalidInputError, match="password"):
            Ed25519Signer.from_pem(text, read)

    def test_other_private_keys_are_refused(self) -> None:
        for key in (ec.generate_private_key(ec.SECP256R1()), x25519.X25519PrivateKey.generate()):
            text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            with pytest.raises(InvalidInputError, match="Ed25519"):
                Ed25519Signer.from_pem(text)

    @pytest.mark.parametrize(
        "text",
        [b"", b"nonsense", pem("PRIVATE", b"nonsense"), pem("PUBLIC", PUBLIC_DER)],
        ids=["empty", "nonsense", "private nonsense", "public nonsense"],
    )
    def test_what_is_no_key_is_refused(self, text: bytes) -> None:
        with pytest.raises(InvalidInputError):
            Ed25519Signer.from_pem(text)
        with pytest.raises(InvalidInputError):
            PublicKeys([text])

    @pytest.mark.parametrize(
        "make",
        [
            lambda: ec.generate_private_key(ec.SECP256K1()),
            lambda: ec.generate_private_key(ec.SECP521R1()),
            lambda: rsa.generate_private_key(65537, 1024),
            lambda: dsa.generate_private_key(2048),
            x25519.X25519PrivateKey.generate,
        ],
        ids=["secp256k1", "p521", "rsa1024", "dsa", "x25519"],
    )
    def test_public_keys_of_other_kinds_and_weak_ones_are_refused(self, make: Callable[[], Any]) -> None:
        with pytest.raises(InvalidInputError, match="P-256"):
            PublicKeys([public_pem(make())])

    def test_a_private_key_given_for_a_public_one_is_refused(self) -> None:
        with pytest.raises(InvalidInputError, match="Not a public key"):
            PublicKeys([Ed25519Signer.generate().private_pem()])


class TestSecrecy:
    SEED = bytes.fromhex(RFC_8032["TEST 2"][0])

    def forms(self) -> list[str]:
        """How the private key might look in a text."""
        whole = PRIVATE_DER + self.SEED
        return [self.SEED.hex(), repr(self.SEED)[2:-1], *(base64.b64encode(one).decode() for one in (self.SEED, whole))]

    def test_a_signer_shows_its_key_id_alone(self) -> None:
        signer = Ed25519Signer.from_pem(pem("PRIVATE", PRIVATE_DER + self.SEED))
        assert repr(signer) == str(signer) == f"Ed25519Signer({signer.key_id!r})"
        shown = f"{signer!r} {vars(signer)!r}"
        assert [form for form in self.forms() if form in shown] == []

    def test_a_signer_is_neither_pickled_nor_copied(self) -> None:
        signer = Ed25519Signer.generate()
        for call in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="private key"):
                call(signer)

    @pytest.mark.parametrize(
        "text",
        [
            pem("PRIVATE", PRIVATE_DER[:-1] + SEED),
            pem("PRIVATE", PRIVATE_DER + SEED[:-1]),
            pem("PRIVATE", PRIVATE_DER + SEED)[:-10],
            pem("EC PRIVATE", PRIVATE_DER + SEED),
            PRIVATE_DER + SEED,
            SEED,
        ],
        ids=["damaged", "short", "cut", "misnamed", "der", "raw"],
    )
    @pytest.mark.parametrize("read", [Ed25519Signer.from_pem, lambda text: PublicKeys([text])], ids=["signer", "keys"])
    def test_an_error_over_a_private_key_says_nothing_of_it(self, read: Callable[[bytes], Any], text: bytes) -> None:
        with pytest.raises(InvalidInputError) as caught:
            read(text)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
        shown = "".join(traceback.format_exception(caught.value)) + repr(pickle.dumps(caught.value))
        assert [form for form in self.forms() if form in shown] == []


@pytest.fixture
def kms(session: boto3.Session) -> Iterator[Any]:
    """A client of moto."""
    with mock_aws():
        yield session.client("kms")


class TestKms:
    @pytest.mark.parametrize(
        ("spec", "algorithm"),
        [
            ("ECC_NIST_P256", "ECDSA_SHA_256"),
            ("ECC_NIST_P384", "ECDSA_SHA_384"),
            ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ],
    )
    def test_what_moto_signs_verifies_with_the_public_key_alone(self, kms: Any, spec: str, algorithm: str) -> None:
        key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        kms.create_alias(AliasName="alias/audit", TargetKeyId=key["KeyId"])
        signers = [KmsSigner(name, client=kms) for name in (key["KeyId"], key["Arn"], "alias/audit")]
        assert len({signer.key_id for signer in signers}) == 1
        keys = PublicKeys([signers[0].public_pem()])
        for signer in signers:
            assert signer.algorithm == algorithm
            assert keys.verify(signer.key_id, algorithm, MESSAGE, signer.sign(MESSAGE))

    # moto takes no notice of MessageType and hashes a digest again: that KMS does not is taken from AWS's words.
    @pytest.mark.parametrize(("size", "given", "length"), [(4096, "RAW", 4096), (4097, "DIGEST", 48)])
    def test_a_message_longer_than_kms_takes_is_given_by_its_digest(self, size: int, given: str, length: int) -> None:
        client = DocumentedKms(ec.generate_private_key(ec.SECP384R1()))
        signer = KmsSigner("alias/audit", client=client)
        signer.sign(b"m" * size)
        sent = client.sent[-1]
        assert (sent["MessageType"], len(sent["Message"]), sent["SigningAlgorithm"]) == (given, length, "ECDSA_SHA_384")

    def test_an_alias_that_changes_hands_does_not_change_the_key(self, kms: Any) -> None:
        ids = [kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"] for _ in "ab"]
        kms.create_alias(AliasName="alias/audit", TargetKeyId=ids[0])
        signer = KmsSigner("alias/audit", client=kms)
        keys = PublicKeys([signer.public_pem()])
        kms.update_alias(AliasName="alias/audit", TargetKeyId=ids[1])
        assert keys.verify(signer.key_id, signer.algorithm, MESSAGE, signer.sign(MESSAGE))

    def test_the_public_key_is_asked_for_once_and_not_before_it_is_needed(self) -> None:
        client = DocumentedKms(ec.generate_private_key(ec.SECP256R1()))
        signer = KmsSigner("alias/audit", client=client)
        assert client.sent == []
        assert signer.key_id.startswith("ecdsa-p256:")
        signer.sign(MESSAGE)
        assert signer.public_pem()
        assert [one.get("MessageType") for one in client.sent] == [None, "RAW"]
        assert client.sent[0] == {"KeyId": "alias/audit"}

    def test_a_session_makes_the_client(self, kms: Any) -> None:
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        assert KmsSigner(key, session=local_session()).key_id == KmsSigner(key, client=kms).key_id

    def test_a_key_that_is_not_there_is_an_error_of_the_store(self, kms: Any) -> None:
        with pytest.raises(StoreError, match="GetPublicKey: NotFoundException") as caught:
            _ = KmsSigner("1234abcd-12ab-34cd-56ef-1234567890ab", client=kms).key_id
        assert (caught.value.operation, caught.value.code, caught.value.retryable) == (
            "GetPublicKey",
            "NotFoundException",
            False,
        )
        assert isinstance(caught.value.__cause__, ClientError)

    @pytest.mark.parametrize("spec", ["ECC_SECG_P256K1", "ECC_NIST_P521"])
    def test_a_key_of_another_kind_is_refused(self, kms: Any, spec: str) -> None:
        key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        with pytest.raises(InvalidInputError, match="P-256"):
            _ = KmsSigner(key, client=kms).algorithm

    @pytest.mark.parametrize(
        ("code", "status", "kind", "retryable"),
        [
            ("AccessDeniedException", 400, AccessDeniedError, False),
            ("ThrottlingException", 400, ThrottledError, True),
            ("DisabledException", 400, StoreError, False),
            ("KMSInvalidStateException", 400, StoreError, False),
            ("InvalidKeyUsageException", 400, StoreError, False),
            ("KeyUnavailableException", 500, StoreError, True),
            ("DependencyTimeoutException", 503, StoreError, True),
            ("KMSInternalException", 500, StoreError, True),
        ],
    )
    def test_what_kms_refuses_is_an_error_of_ours(
        self, code: str, status: int, kind: type[StoreError], retryable: bool
    ) -> None:
        client = DocumentedKms(ec.generate_private_key(ec.SECP256R1()))
        signer = KmsSigner(ARN, client=client)
        assert signer.key_id
        response: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        client.sign = raising(ClientError(response, "Sign"))  # type: ignore[method-assign]
        with pytest.raises(StoreError) as caught:
            signer.sign(MESSAGE)
        assert type(caught.value) is kind
        assert (caught.value.operation, caught.value.retryable) == ("Sign", retryable)
        assert MESSAGE.decode() not in str(caught.value)

    def test_a_network_that_fails_and_a_request_that_is_wrong_are_errors_of_ours(self, kms: Any) -> None:
        from botocore.exceptions import ConnectTimeoutError

        client = DocumentedKms(ec.generate_private_key(ec.SECP256R1()))
        client.get_public_key = raising(ConnectTimeoutError(endpoint_url="https://kms"))  # type: ignore[method-assign]
        with pytest.raises(TimeoutError):
            _ = KmsSigner(ARN, client=client).key_id
        with pytest.raises(RequestRefusedError):
            _ = KmsSigner("", client=kms).key_id


def raising(error: Exception) -> Callable[..., Any]:
    """What raises this."""

    def call(**_: Any) -> Any:
        raise error

    return call


def test_without_the_extra_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    client = DocumentedKms(ed25519.Ed25519PrivateKey.generate())
    for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "aircraftops_data.audit.keys")
    for call in (
        Ed25519Signer.generate,
        lambda: Ed25519Signer.from_pem(b""),
        lambda: PublicKeys([]),
        lambda: KmsSigner("k", client=client).key_id,
    ):
        with pytest.raises(MissingExtraError, match=r'pip install "aircraftops-data\[audit\]"') as caught:
            call()
        assert caught.value.extra == "audit"

"""What commands are given by file or by name: keys, checkpoints, proofs, and places for objects."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from aircraftops_data.audit.checkpoint import Checkpoint, from_json
from aircraftops_data.audit.signing import Ed25519Signer, KmsSigner, PublicKeys
from aircraftops_data.errors import CorruptItemError, InvalidInputError

if TYPE_CHECKING:
    from aircraftops_data.transports.objects import Objects

_S3 = "s3://"
_KMS = "kms:"
_PUBLIC_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)
_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


def content(path: Path) -> bytes:
    """The bytes of a file. Raises InvalidInputError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{str(path)!r} cannot be read: {type(error).__name__}") from error


def signer(text: str) -> Ed25519Signer | KmsSigner:
    """A private key in PEM, by its file, or one of KMS: `kms:` and an id, ARN or alias. Raises InvalidInputError.

    The password of a key that is encrypted is asked for.
    """
    if text.startswith(_KMS):
        return KmsSigner(text.removeprefix(_KMS))
    pem = content(Path(text))
    encrypted = _ENCRYPTED in pem
    password = typer.prompt("Password of the key", hide_input=True, err=True) if encrypted else None
    return Ed25519Signer.from_pem(pem, None if password is None else password.encode())


def public_keys(paths: Iterable[Path]) -> PublicKeys:
    """The public keys of files, each of which has one in PEM or several. Raises InvalidInputError."""
    return PublicKeys([pem for path in paths for pem in _pems(path)])


def _pems(path: Path) -> list[bytes]:
    held = content(path)
    found: list[bytes] = _PUBLIC_PEM.findall(held) or [held]
    try:
        PublicKeys(found)
    except InvalidInputError as error:
        raise InvalidInputError(f"{str(path)!r}: {error.message}") from error
    return found


def checkpoint(path: Path) -> Checkpoint:
    """The checkpoint of a JSON file. Raises InvalidInputError, CorruptItemError."""
    try:
        return from_json(content(path))
    except CorruptItemError as error:
        raise CorruptItemError(f"{str(path)!r} is no checkpoint", problems=error.problems) from error


def objects(text: str, *, there: bool = False) -> Objects:
    """A bucket, `s3://NAME`, or a folder; with `there`, only a folder that exists. Raises InvalidInputError."""
    if text.startswith(_S3):
        from aircraftops_data.transports.bucket import ObjectStore

        name = text.removeprefix(_S3).removesuffix("/")
        if not name or "/" in name:
            raise InvalidInputError(f"{text!r} is no bucket: write s3://NAME, without a key")
        return ObjectStore(name)
    from aircraftops_data.transports.folder import FolderStore

    if there and not Path(text).is_dir():
        raise InvalidInputError(f"There is no folder {text!r}")
    return FolderStore(text)

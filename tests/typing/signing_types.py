"""What type checkers see of object stores and of signatures: nothing here is run, `assert_type` is checked."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import assert_type

from aircraftops_data.audit.signing import Ed25519Signer, KmsSigner, PublicKeys, Signer, Verifier
from aircraftops_data.transports.bucket import AsyncObjectStore, ObjectStore
from aircraftops_data.transports.folder import AsyncFolderStore, FolderStore
from aircraftops_data.transports.objects import AsyncObjects, Objects

SIGNERS: list[Signer] = [Ed25519Signer.generate(), KmsSigner("alias/audit")]
VERIFIER: Verifier = PublicKeys([Ed25519Signer.generate().public_pem()])
STORES: list[Objects] = [ObjectStore("bucket", lock_mode="COMPLIANCE"), FolderStore("folder"), FolderStore(Path())]
ASYNC_STORES: list[AsyncObjects] = [AsyncObjectStore("bucket"), AsyncFolderStore("folder")]


def blocking(objects: Objects) -> None:
    assert_type(objects.find("k"), bytes | None)
    assert_type(objects.keys("k"), Iterator[str])
    assert_type(objects.put_file("k", Path("f"), if_absent=True), str)
    objects.put("k", "text")  # type: ignore[arg-type]
    ObjectStore("bucket", lock_mode="FOREVER")  # type: ignore[arg-type]
    wrong: Objects = AsyncFolderStore("folder")  # type: ignore[assignment]
    assert wrong


async def asynchronous(objects: AsyncObjects) -> None:
    assert_type(await objects.get("k"), bytes)
    assert_type(objects.keys(), AsyncIterator[str])
    async for key in objects.keys("k"):
        assert_type(key, str)
    assert_type(await objects.get_file("k", Path("f")), str)

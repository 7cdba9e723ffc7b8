"""Objects in a bucket of S3, by boto3."""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Literal

from aircraftops_data.errors import AlreadyExistsError, InvalidInputError, ObjectStoreError
from aircraftops_data.transports.files import CHUNK_BYTES, written
from aircraftops_data.transports.objects import OCTETS, ObjectsInThreads
from aircraftops_data.transports.services import Service

LockMode = Literal["GOVERNANCE", "COMPLIANCE"]
# "Uploading and copying objects using multipart upload", Amazon S3 User Guide: what a single PUT takes.
_MOST_BYTES = 5 * 1024**3


class ObjectStore:
    """A bucket of S3; nothing is sent until the first object is stored or asked for.

    S3 checks what is stored against its SHA-256. Where the bucket has Object Lock, `retain_until` locks an object in
    `lock_mode`; where it has none, nothing does. To find out takes s3:GetBucketObjectLockConfiguration, once. Without
    s3:ListBucket, S3 says AccessDenied of an object that is not there. Objects of up to 5 GiB.
    """

    def __init__(
        self, name: str, session: Any = None, client: Any = None, *, lock_mode: LockMode = "GOVERNANCE"
    ) -> None:
        self.name = name
        self._service = Service("s3", client, session)
        self._lock_mode = lock_mode

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str = OCTETS,
        *,
        if_absent: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store an object. Raises ObjectStoreError; AlreadyExistsError with `if_absent`, InvalidInputError.

        AlreadyExistsError may be of one's own object, stored before an answer was lost and sent again by botocore: look
        at it. ObjectStoreError of ConditionalRequestConflict: another is at this key just now; put it again.
        """
        options = self._options(content_type, if_absent, retain_until)
        self._put(key, body, hashlib.sha256(body).digest(), options)

    def get(self, key: str) -> bytes:
        """A stored object. Raises ObjectStoreError, also where there is none."""
        with self._failing("get_object", key):
            found: bytes = self._service.client.get_object(Bucket=self.name, Key=key)["Body"].read()
            return found

    def find(self, key: str) -> bytes | None:
        """A stored object; None where there is none. Raises ObjectStoreError."""
        try:
            return self.get(key)
        except ObjectStoreError as error:
            if error.missing:
                return None
            raise

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin so, in the order of their UTF-8 bytes, 1000 a request. Raises ObjectStoreError."""
        with self._failing("list_objects_v2", prefix):
            for page in self._service.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
                for entry in page.get("Contents", ()):
                    yield entry["Key"]

    def put_file(
        self,
        key: str,
        path: Path,
        content_type: str = OCTETS,
        *,
        if_absent: bool = False,
        retain_until: datetime | None = None,
    ) -> str:
        """Store a file; its SHA-256 in hexadecimal. Raises what `put` raises, OSError, InvalidInputError over 5 GiB."""
        options = self._options(content_type, if_absent, retain_until)
        with Path(path).open("rb") as file:
            if os.fstat(file.fileno()).st_size > _MOST_BYTES:
                raise InvalidInputError("An object takes 5 GiB at most")
            digest = hashlib.file_digest(file, "sha256")
            file.seek(0)
            # In one request: boto3's upload in parts knows no If-None-Match, and S3 no SHA-256 of the whole of them.
            self._put(key, file, digest.digest(), options)
        return digest.hexdigest()

    def get_file(self, key: str, path: Path) -> str:
        """Write an object to a file; its SHA-256 in hexadecimal. Raises ObjectStoreError, OSError."""
        with self._failing("get_object", key):
            body = self._service.client.get_object(Bucket=self.name, Key=key)["Body"]
            return written(Path(path), body.iter_chunks(CHUNK_BYTES))

    @cached_property
    def _locks(self) -> bool:
        """Whether the bucket has Object Lock. Raises ObjectStoreError where one may not know."""
        try:
            with self._failing("get_object_lock_configuration", ""):
                found = self._service.client.get_object_lock_configuration(Bucket=self.name)
        except ObjectStoreError as error:
            if _code(error.__cause__) == "ObjectLockConfigurationNotFoundError":
                return False
            raise
        return bool(found["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled")

    def _options(self, content_type: str, if_absent: bool, retain_until: datetime | None) -> dict[str, Any]:
        options: dict[str, Any] = {"ContentType": content_type}
        if if_absent:
            options["IfNoneMatch"] = "*"
        if retain_until is not None:
            if retain_until.tzinfo is None:
                raise InvalidInputError("retain_until has no time zone")
            if self._locks:
                options |= {"ObjectLockMode": self._lock_mode, "ObjectLockRetainUntilDate": retain_until}
        return options

    def _put(self, key: str, body: bytes | BinaryIO, digest: bytes, options: dict[str, Any]) -> None:
        checked = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": b64encode(digest).decode()}
        with self._failing("put_object", key):
            self._service.client.put_object(Bucket=self.name, Key=key, Body=body, **checked, **options)

    @contextmanager
    def _failing(self, operation: str, key: str) -> Generator[None]:
        """What botocore raises inside becomes ours."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            code = _code(error)
            if code == "PreconditionFailed":
                raise AlreadyExistsError(f"There is an object {key!r} in {self.name} already") from error
            message, missing = f"{operation} failed: {code}", code == "NoSuchKey"
            raise ObjectStoreError(message, bucket=self.name, key=key, missing=missing) from error


class AsyncObjectStore(ObjectsInThreads):
    """A bucket of S3 for asyncio: boto3 at work in threads."""

    def __init__(
        self, name: str, session: Any = None, client: Any = None, *, lock_mode: LockMode = "GOVERNANCE"
    ) -> None:
        super().__init__(ObjectStore(name, session, client, lock_mode=lock_mode))


def _code(error: BaseException | None) -> str:
    """What S3 calls it, or what botocore does where S3 did not answer."""
    response: Any = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code") or type(error).__name__)

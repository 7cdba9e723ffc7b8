"""What an object store offers: bytes under keys, blocking and for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

OCTETS = "application/octet-stream"
_LISTED_AT_ONCE = 1000

P = ParamSpec("P")
T = TypeVar("T")


class Objects(Protocol):
    """Bytes under keys, as `ObjectStore` and `FolderStore` keep them. What fails raises ObjectStoreError."""

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str = OCTETS,
        *,
        if_absent: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store an object whole or not at all; `retain_until`: nobody may change or delete it before, if the store can.

        With `if_absent`, AlreadyExistsError where the key is taken: perhaps by this very put, its answer lost, so look.
        """
        ...

    def get(self, key: str) -> bytes:
        """A stored object. Raises ObjectStoreError, also where there is none."""
        ...

    def find(self, key: str) -> bytes | None:
        """A stored object; None where there is none."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin so, in the order of their UTF-8 bytes; asked for page by page."""
        ...

    def put_file(
        self,
        key: str,
        path: Path,
        content_type: str = OCTETS,
        *,
        if_absent: bool = False,
        retain_until: datetime | None = None,
    ) -> str:
        """Store a file as `put` stores bytes, without holding it in memory; its SHA-256 in hexadecimal.

        Raises OSError where the file cannot be read.
        """
        ...

    def get_file(self, key: str, path: Path) -> str:
        """Write an object to a file, whole or not at all, without holding it in memory; its SHA-256 in hexadecimal.

        Raises OSError where the file cannot be written.
        """
        ...


class AsyncObjects(Protocol):
    """The same for asyncio, as `AsyncObjectStore` and `AsyncFolderStore` keep them."""

    async def put(
        self,
        key: str,
        body: bytes,
        content_type: str = OCTETS,
        *,
        if_absent: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """As `Objects.put`."""
        ...

    async def get(self, key: str) -> bytes:
        """As `Objects.get`."""
        ...

    async def find(self, key: str) -> bytes | None:
        """As `Objects.find`."""
        ...

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """As `Objects.keys`."""
        ...

    async def put_file(
        self,
        key: str,
        path: Path,
        content_type: str = OCTETS,
        *,
        if_absent: bool = False,
        retain_until: datetime | None = None,
    ) -> str:
        """As `Objects.put_file`."""
        ...

    async def get_file(self, key: str, path: Path) -> str:
        """As `Objects.get_file`."""
        ...


class ObjectsInThreads:
    """A blocking store for asyncio, each call at work in a thread of the loop's."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def put(
        self,
        key: str,
        body: bytes,
        content_type: str = OCTETS,
        *,
        if_absent: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store an object whole or not at all. Raises ObjectStoreError, AlreadyExistsError."""
        await _in_thread(self._objects.put, key, body, content_type, if_absent=if_absent, retain_until=retain_until)

    async def get(self, key: str) -> bytes:
        """A stored object. Raises ObjectStoreError, also where there is none."""
        return await _in_thread(self._objects.get, key)

    async def find(self, key: str) -> bytes | None:
        """A stored object; None where there is none. Raises ObjectStoreError."""
        return await _in_thread(self._objects.find, key)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """The keys that begin so, in the order of their UTF-8 bytes. Raises ObjectStoreError."""
        found = self._objects.keys(prefix)
        while page := await _in_thread(lambda: list(islice(found, _LISTED_AT_ONCE))):
            for key in page:
                yield key

    async def put_file(
        self,
        key: str,
        path: Path,
        content_type: str = OCTETS,
        *,
        if_absent: bool = False,
        retain_until: datetime | None = None,
    ) -> str:
        """Store a file; its SHA-256 in hexadecimal. Raises ObjectStoreError, AlreadyExistsError, OSError."""
        return await _in_thread(
            self._objects.put_file, key, path, content_type, if_absent=if_absent, retain_until=retain_until
        )

    async def get_file(self, key: str, path: Path) -> str:
        """Write an object to a file; its SHA-256 in hexadecimal. Raises ObjectStoreError, OSError."""
        return await _in_thread(self._objects.get_file, key, path)


async def _in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    # Imported by who runs an event loop anyway; blocking programs start faster without.
    import asyncio

    return await asyncio.to_thread(call, *args, **kwargs)

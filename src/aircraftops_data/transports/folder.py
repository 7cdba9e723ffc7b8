"""Objects in a local directory, for development and for tests."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote

from aircraftops_data.errors import AlreadyExistsError, InvalidInputError, ObjectStoreError
from aircraftops_data.transports.files import CHUNK_BYTES, PARTIAL, written
from aircraftops_data.transports.objects import OCTETS, ObjectsInThreads

# What there is no object under: a directory, or what would lie in an object as if that were one.
_ABSENT = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class FolderStore:
    """A directory, made when the first object is stored; a file for each object, its name percent-encoded.

    Content types are not kept, and nothing is retained. A key cannot be another's directory ("a" and "a/b"); its parts
    between slashes are neither empty nor "." or "..", and no longer, percent-encoded, than the file system bears.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str = OCTETS,
        *,
        if_absent: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store an object. Raises ObjectStoreError, InvalidInputError; AlreadyExistsError with `if_absent`."""
        self._put(key, [body], if_absent)

    def get(self, key: str) -> bytes:
        """A stored object. Raises ObjectStoreError, also where there is none; InvalidInputError."""
        with self._failing("get", key):
            return self._place(key).read_bytes()

    def find(self, key: str) -> bytes | None:
        """A stored object; None where there is none. Raises ObjectStoreError, InvalidInputError."""
        try:
            return self.get(key)
        except ObjectStoreError as error:
            if error.missing:
                return None
            raise

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin so, in the order of their UTF-8 bytes; all are looked at. Raises ObjectStoreError."""
        with self._failing("keys", prefix):
            files = [path for path in self.path.rglob("*") if path.is_file() and not path.name.startswith(PARTIAL)]
        found = (unquote(path.relative_to(self.path).as_posix()) for path in files)
        yield from sorted(key for key in found if key.startswith(prefix))

    def put_file(
        self,
        key: str,
        path: Path,
        content_type: str = OCTETS,
        *,
        if_absent: bool = False,
        retain_until: datetime | None = None,
    ) -> str:
        """Store a file; its SHA-256 in hexadecimal. Raises what `put` raises, OSError."""
        with Path(path).open("rb") as file:
            return self._put(key, iter(partial(file.read, CHUNK_BYTES), b""), if_absent)

    def get_file(self, key: str, path: Path) -> str:
        """Write an object to a file; its SHA-256 in hexadecimal. Raises what `get` raises, OSError."""
        with self._failing("get_file", key):
            file = self._place(key).open("rb")
        with file:
            return written(Path(path), iter(partial(file.read, CHUNK_BYTES), b""))

    def _put(self, key: str, chunks: Iterable[bytes], if_absent: bool) -> str:
        place = self._place(key)
        with self._failing("put", key):
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                return written(place, chunks, new=if_absent)
            except FileExistsError as error:
                raise AlreadyExistsError(f"There is an object {key!r} in {self.path} already") from error

    def _place(self, key: str) -> Path:
        parts = key.split("/")
        if not {"", ".", ".."}.isdisjoint(parts):
            raise InvalidInputError(f"A folder has no place for the key {key!r}")
        return self.path.joinpath(*(quote(part, safe=" =") for part in parts))

    @contextmanager
    def _failing(self, operation: str, key: str) -> Generator[None]:
        try:
            yield
        except OSError as error:
            message, missing = f"{operation} failed: {type(error).__name__}", isinstance(error, _ABSENT)
            raise ObjectStoreError(message, bucket=str(self.path), key=key, missing=missing) from error


class AsyncFolderStore(ObjectsInThreads):
    """A directory for asyncio, at work in threads."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(FolderStore(path))

"""An export of a table to S3 as records: of a full one snapshots of all items, of an incremental one their changes.

Source: DynamoDB Developer Guide, "DynamoDB table export output format".
"""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import file_digest, md5
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from aircraftops_data.clock import Clock
from aircraftops_data.core.run import Runner
from aircraftops_data.errors import CorruptItemError, InvalidInputError
from aircraftops_data.model.schema import Table
from aircraftops_data.streams.change import AnyRecord
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.source import Page
from aircraftops_data.translation.codec import is_expired
from aircraftops_data.transports.objects import Objects

_FORMAT = "DYNAMODB_JSON"
_ROOT = "AWSDynamoDB/"
# A page of the engine's has as many bytes at most.
_PAGE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file as the manifest tells of it."""

    key: str
    count: int
    md5: str
    """Of the file as it lies there, compressed; base64."""


class Export:
    """The data files of one export, each a part; a part's cursor is the number of its last line that was dealt with.

    `prefix` is the folder of its manifests (`my/exports/AWSDynamoDB/01693685827463-2d8752fd`); data files are
    looked for beside it as they lay in the bucket, so a copy of it all does as well. A data file is copied to a
    temporary one, and read page by page. Snapshots that have expired are left out.

    Raises ObjectStoreError, InvalidInputError for an export in another format than DynamoDB JSON, CorruptItemError for
    manifests that contradict each other.
    """

    def __init__(self, objects: Objects, prefix: str, table: Table, decoder: Decoder, clock: Clock, page: int) -> None:
        self._objects = objects
        self._table = table
        self._decoder = decoder
        self._clock = clock
        self._page = page
        folder = prefix.rstrip("/")
        summary = _parsed(objects.get(f"{folder}/manifest-summary.json"), "manifest-summary.json")
        if summary.get("outputFormat") != _FORMAT:
            raise InvalidInputError(f"Only exports in {_FORMAT} can be read, not in {summary.get('outputFormat')}")
        table_arn, export_arn = summary.get("tableArn"), summary.get("exportArn")
        if not (table_arn and export_arn):
            raise CorruptItemError("manifest-summary.json does not say which export it is of, and of which table")
        self._named = str(table_arn).rpartition("/")[2]
        self.name = f"export {export_arn}"
        self._files = _files(objects.get(f"{folder}/manifest-files.json"), folder)
        said, listed = summary.get("itemCount"), sum(file.count for file in self._files)
        if said != listed:
            raise CorruptItemError(f"The export has {said} items, its files are to have {listed}")

    @property
    def parts(self) -> int:
        """How many data files there are."""
        return len(self._files)

    def pages(self, part: int, cursor: str | None, runner: Runner) -> Iterator[Page]:
        """The pages of a data file. Raises ObjectStoreError, OSError; CorruptItemError unless it is as the manifest
        says: its MD5 is looked at before the first page, the count of its items before the last."""
        file = self._files[part]
        with TemporaryDirectory() as folder:
            path = Path(folder) / "data.json.gz"
            self._objects.get_file(file.key, path)
            _check(file, path)
            yield from self._lines(file, path, int(cursor or 0))

    def _lines(self, file: DataFile, path: Path, begin: int) -> Iterator[Page]:
        numbers, records, size, found = list[int](), list[AnyRecord](), 0, 0
        for number, line in _numbered(file, path):
            found += 1
            if number <= begin:
                continue
            record = self._record(file, number, line)
            if record is not None:
                records.append(record)
                numbers.append(number)
                size += len(line)
            if len(records) == self._page or size >= _PAGE_BYTES:
                yield _page(records, numbers, str(number))
                numbers, records, size = [], [], 0
        if found != file.count:
            raise CorruptItemError(f"{file.key} has {found} items, the manifest says {file.count}")
        yield _page(records, numbers, None)

    def _record(self, file: DataFile, number: int, line: bytes) -> AnyRecord | None:
        """What a line tells; None of an item that has expired."""
        raw = _parsed(line, f"line {number} of {file.key}")
        return None if self._has_expired(raw.get("Item")) else self._decoder.record(raw, self._named)

    def _has_expired(self, item: Any) -> bool:
        try:
            return item is not None and is_expired(item, self._table, self._clock.now())
        except (AttributeError, TypeError, ValueError):
            # No item, or no time: what reads the record says so.
            return False


def _page(records: list[AnyRecord], numbers: list[int], following: str | None) -> Page:
    return Page(records, lambda count: str(numbers[count - 1]), following)


def _files(manifest: bytes, folder: str) -> list[DataFile]:
    root = folder[: folder.rindex(_ROOT)] if _ROOT in folder else ""
    entries = [_parsed(line, "manifest-files.json") for line in manifest.splitlines() if line.strip()]
    try:
        found = [DataFile(str(each["dataFileS3Key"]), int(each["itemCount"]), each["md5Checksum"]) for each in entries]
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptItemError("manifest-files.json names no data files") from error
    # By their keys: the parts are the same whatever the order of the manifest's lines.
    return sorted((DataFile(_beside(root, file.key), file.count, file.md5) for file in found), key=lambda f: f.key)


def _beside(root: str, key: str) -> str:
    """Where a data file lies now: below the same root as the manifests."""
    return root + key[key.rindex(_ROOT) :] if _ROOT in key else root + key


def _check(file: DataFile, path: Path) -> None:
    """Raise CorruptItemError for a file of another MD5 than the manifest's."""
    with path.open("rb") as opened:
        digest = file_digest(opened, lambda: md5(usedforsecurity=False)).digest()
    if b64encode(digest).decode() != file.md5:
        raise CorruptItemError(f"{file.key} is not the file of the manifest: it has another MD5")


def _numbered(file: DataFile, path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, from 1 on."""
    try:
        with gzip.open(path) as lines:
            yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CorruptItemError(f"{file.key} cannot be unpacked") from error


def _parsed(text: bytes, place: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CorruptItemError(f"{place} is no JSON") from error
    if not isinstance(found, dict):
        raise CorruptItemError(f"{place} is no JSON object")
    return cast("Mapping[str, Any]", found)

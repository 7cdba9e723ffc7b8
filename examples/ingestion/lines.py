"""From bytes to lines and from a line to its cells, each line alone: what spoils one spoils no other."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingestion.quarantine import Reason, ReasonKind

BOM = b"\xef\xbb\xbf"


class LineError(ValueError):
    """A line that cannot be taken apart."""

    def __init__(self, kind: ReasonKind, text: str) -> None:
        super().__init__(text)
        self.reason = Reason(kind=kind, text=text)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, counted from 1, with its bytes as they are but for the mark and the ends."""

    number: int
    raw: bytes

    def text(self) -> str:
        """The line as text. Raises LineError."""
        try:
            return self.raw.decode()
        except UnicodeDecodeError:
            raise LineError(ReasonKind.UNREADABLE, "the line is not UTF-8") from None


def lines_of(stream: Iterable[bytes]) -> Iterator[Line]:
    """The lines of a binary file that are not blank, without byte order mark and line ends."""
    for number, raw in enumerate(stream, start=1):
        bare = (raw.removeprefix(BOM) if number == 1 else raw).rstrip(b"\r\n")
        if bare:
            yield Line(number, bare)


Split = Callable[[str], list[str]]


def csv_fields(text: str) -> list[str]:
    """The fields of a line of CSV, without padding. Raises LineError."""
    return _fields(text)


def backslash_fields(text: str) -> list[str]:
    r"""The fields of a line that escapes quotes by a backslash, and writes null as `\N`. Raises LineError."""
    return _fields(text.replace(r"\N", r"\\N"), escapechar="\\", doublequote=False)


def _fields(text: str, **dialect: Any) -> list[str]:
    try:
        return [field.strip() for record in csv.reader([text], strict=True, **dialect) for field in record]
    except csv.Error as error:
        raise LineError(ReasonKind.UNREADABLE, f"the line is not CSV: {error}") from None


def named(names: list[str], fields: list[str]) -> dict[str, str]:
    """The fields by name. A name that is empty is the comma at the end of a line, and nothing may follow it.

    Raises LineError.
    """
    if len(fields) != len(names):
        raise LineError(ReasonKind.SHIFTED, f"the line has {len(fields)} fields, not {len(names)}")
    cells = dict(zip(names, fields, strict=True))
    if cells.pop("", ""):
        raise LineError(ReasonKind.SHIFTED, "something stands behind the last comma")
    return cells


def json_fields(text: str) -> Mapping[str, str]:
    """The fields of a line of JSON, without padding; null is an empty field. Raises LineError."""
    try:
        found = json.loads(text)
    except ValueError:
        raise LineError(ReasonKind.UNREADABLE, "the line is not JSON") from None
    if not isinstance(found, dict):
        raise LineError(ReasonKind.UNREADABLE, "the line is no JSON object")
    return {str(name): "" if value is None else str(value).strip() for name, value in found.items()}

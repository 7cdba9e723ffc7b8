"""Blocks as bytes, for reading a great many: entries that are known are compared, and the few other attributes decoded.

It is what `decode_item` does, for the items that blocks are; whatever is not quite so is left to that.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from struct import error as StructError

from aircraftops_data.audit.block import Entry
from aircraftops_data.model.definition import AttributeValue, Item

_LENGTH = Struct(">I").pack
_COUNT = Struct(">I").unpack_from
_NOT_SO = (TypeError, AttributeError, ValueError, IndexError, StructError)
_BOOLS = (False, True)
_TEXT, _NUMBER, _BINARY, _BOOL = b"SNB?"


def header_of(data: bytes, entries: Iterable[Entry]) -> Item | None:
    """The item of a block, its list of entries empty, where these bytes are those of a block with just these entries.

    None where they are not, or may be none.
    """
    try:
        return _header(data, _encoded(entries))
    except _NOT_SO:
        return None


def _header(data: bytes, entries: bytes) -> Item:
    """The item of texts, whole numbers, bytes, bools and these entries that `encode_item` gives these bytes for."""
    (count,), at, item, last = _COUNT(data, 1), 5, Item(), b""
    for _ in range(count):
        start = at + 5
        end: int = start + _COUNT(data, at + 1)[0]
        name, kind = data[start:end], data[end]
        if data[at] != _TEXT or name <= last:
            raise ValueError("A name that is none, or is not in order")
        last = name
        if kind == _BOOL:
            item[name.decode()], at = {"BOOL": _BOOLS[data[end + 1]]}, end + 2
        elif name == b"entries" and data.startswith(entries, end):
            item["entries"], at = {"L": []}, end + len(entries)
        else:
            at = end + 5 + _COUNT(data, end + 1)[0]
            item[name.decode()] = _scalar(kind, data[end + 5 : at])
    if at != len(data) or data[:1] != b"M" or "entries" not in item:
        raise ValueError("Not one map with entries and nothing else")
    return item


def _scalar(kind: int, held: bytes) -> AttributeValue:
    if kind == _TEXT:
        return {"S": held.decode()}
    if kind == _BINARY:
        return {"B": held}
    if kind == _NUMBER:
        digits, _, power = held.partition(b"E")
        number = digits + b"0" * int(power or b"0") if len(power) < 3 else b""
        if number.isdigit() and _whole_or_null(int(number))[5:] == held:
            return {"N": number.decode()}
    raise ValueError("Not a value that a block has")


def _encoded(entries: Iterable[Entry]) -> bytes:
    """The attribute value, as `encode_item` writes it."""
    parts = [
        b"L\0\0\0\4S%b%bS%b%bB%b%b%b"
        % (
            _LENGTH(len(resource := entry[0].encode())),
            resource,
            _LENGTH(len(identifier := entry[1].encode())),
            identifier,
            _LENGTH(len(entry[2])),
            entry[2],
            _whole_or_null(entry[3]),
        )
        for entry in entries
    ]
    return b"L" + _LENGTH(len(parts)) + b"".join(parts)


def _whole_or_null(seconds: int | None) -> bytes:
    if seconds is None:
        return b"0"
    text = str(seconds)
    digits = text.rstrip("0")
    number = b"%bE%d" % (digits.encode(), len(text) - len(digits)) if digits else b"0"
    return b"N" + _LENGTH(len(number)) + number

"""The entries of a block as bytes, for reading a great many of them: known ones are compared, not decoded."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from aircraftops_data.audit.block import Entry
from aircraftops_data.audit.encoding import decode_item, encode_item, encoded
from aircraftops_data.errors import CorruptItemError
from aircraftops_data.model.definition import Item

_NAME = encoded({"S": "entries"})
_NONE = encoded({"L": []})
_LENGTH = Struct(">I").pack


def header_of(data: bytes, entries: Iterable[Entry]) -> Item | None:
    """The item of a block, its list of entries empty, where these bytes are those of a block with just these entries.

    None where they are not, or may be none.
    """
    try:
        known = _encoded(entries)
        at = data.find(_NAME + known) + len(_NAME)
        if at < len(_NAME):
            return None
        item = decode_item(data[:at] + _NONE + data[at + len(known) :])
    except (CorruptItemError, TypeError, AttributeError):
        return None
    # The same bytes could be part of a text; it must be the attribute itself that they were found in.
    before = encode_item({name: held for name, held in item.items() if name < "entries"})
    in_place = item.get("entries") == {"L": []} and at == len(before) + len(_NAME)
    return item if in_place else None


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
            _expiry(entry[3]),
        )
        for entry in entries
    ]
    return b"L" + _LENGTH(len(parts)) + b"".join(parts)


def _expiry(seconds: int | None) -> bytes:
    if seconds is None:
        return b"0"
    text = str(seconds)
    digits = text.rstrip("0")
    number = b"%bE%d" % (digits.encode(), len(text) - len(digits)) if digits else b"0"
    return b"N" + _LENGTH(len(number)) + number

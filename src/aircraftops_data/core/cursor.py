"""Cursors: where a page ended, as opaque URL-safe text bound to its table, index and key condition.

A cursor is not secret (it holds key values, base64); with a secret it is signed and cannot be made up. Without one, a
checksum still tells a damaged cursor and one of another query.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aircraftops_data.errors import InvalidCursorError
from aircraftops_data.model.definition import Item

_MAC_BYTES = 16


@dataclass(frozen=True)
class Cursors:
    """Writes and reads cursors with one secret (empty: unsigned). Change the secret and old cursors are refused."""

    secret: bytes = field(default=b"", repr=False)

    def write(self, key: Item | None, scope: str) -> str | None:
        """The cursor of a page that ended at this key; None where nothing follows."""
        if key is None:
            return None
        payload = json.dumps(plain_key(key), separators=(",", ":"), sort_keys=True).encode()
        return base64.urlsafe_b64encode(self._mac(payload, scope) + payload).rstrip(b"=").decode()

    def read(self, cursor: str | None, scope: str) -> Item | None:
        """The key a cursor stands for. Raises InvalidCursorError unless it was written for this very scope."""
        if cursor is None:
            return None
        raw = _decoded(cursor)
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, scope)):
            raise InvalidCursorError("The cursor is damaged, forged, or belongs to another query")
        try:
            return stored_key(json.loads(payload))
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidCursorError("The cursor cannot be read") from error

    def _mac(self, payload: bytes, scope: str) -> bytes:
        key = hashlib.sha256(b"aircraftops-data cursor v1\0" + self.secret).digest()
        scoped = hashlib.sha256(scope.encode()).digest() + payload
        return hmac.new(key, scoped, hashlib.sha256).digest()[:_MAC_BYTES]


def _decoded(cursor: object) -> bytes:
    if not isinstance(cursor, str):
        raise InvalidCursorError("A cursor is text")
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError) as error:
        raise InvalidCursorError("The cursor is not URL-safe base64") from error
    # Base64 has spare bits at its end; only the one spelling that `write` gives is taken.
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != cursor.encode("ascii"):
        raise InvalidCursorError("The cursor is not in its one written form")
    return raw


def plain_key(key: Item) -> dict[str, Any]:
    """A key as JSON can hold it: binary values in base64."""
    return {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value for kind, value in stored.items()}
        for name, stored in key.items()
    }


def stored_key(plain: Mapping[str, Any]) -> Item:
    """The key that `plain_key` made this of."""
    return {
        name: {kind: base64.b64decode(value) if kind == "B" else value for kind, value in stored.items()}
        for name, stored in plain.items()
    }

"""DynamoDB's JSON as it goes over the wire: request bodies and responses, as bytes.

Source: DynamoDB Developer Guide, "DynamoDB low-level API" (AwsJson1.0; binary values are base64).
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, cast
from zlib import crc32

from pydantic_core import PydanticSerializationError, from_json, to_json

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.request import Request, Response

TARGET_PREFIX = "DynamoDB_20120810."
CONTENT_TYPE = "application/x-amz-json-1.0"


def body_of(request: Request) -> bytes:
    """The body of a request, as bytes; the same request gives the same bytes. Raises InvalidInputError."""
    try:
        body = to_json(request.parameters, bytes_mode="base64", inf_nan_mode="strings")
        # Pydantic's base64 is the URL-safe one, which DynamoDB does not take.
        return _standard(request) if b'"B' in body and _HOLDS_BINARIES(body) else body
    except (PydanticSerializationError, TypeError, ValueError) as error:
        raise InvalidInputError(f"{request.operation}: a parameter has no JSON form") from error


_HOLDS_BINARIES = re.compile(rb'"BS?":["[]').search


def _standard(request: Request) -> bytes:
    return _ENCODER.encode(request.parameters).encode()


def _binary(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"A {type(value).__name__} has no place in a request")


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_binary, ensure_ascii=False, allow_nan=False)


def response_of(request: Request, body: bytes) -> Response:
    """The response of a successful request, by the request's own reader where that can take it.

    Raises ValueError for a body that is not the JSON of a response. An empty body is none, for DynamoDB answers at
    least {}; it would read as "no such item".
    """
    if not body:
        raise ValueError("The body is empty")
    read = None if request.reader is None else request.reader.read(body)
    return parsed(body) if read is None else read


def checksum(body: bytes) -> bytes:
    """What DynamoDB sends as X-Amz-Crc32 with a body."""
    return b"%d" % crc32(body)


def parsed(body: bytes) -> dict[str, Any]:
    """A whole response in the shapes boto3 gives: binary values as bytes. Raises ValueError for anything else."""
    document: object = from_json(body, cache_strings="keys") if body else {}
    if not isinstance(document, dict):
        raise ValueError("The body is not a JSON object")
    return members(cast("dict[str, Any]", document))


def members(document: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a response with the binary values inside them decoded; null is nothing. Raises ValueError."""
    present = ((name, value) for name, value in document.items() if value is not None)
    try:
        return {name: _PLACES.get(name, _as_it_is)(value) for name, value in present}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("The body is not the JSON of a response") from error


def item_of(plain: Mapping[str, Any]) -> dict[str, Any]:
    """An item with its binary values decoded. Raises ValueError, TypeError, AttributeError."""
    return {name: value_of(stored) for name, stored in plain.items()}


def value_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """An attribute value with its binary values decoded."""
    return {kind: _KINDS.get(kind, _as_it_is)(value) for kind, value in stored.items()}


def binary_of(stored: object) -> bytes:
    """The bytes of a binary value: base64 in JSON, bytes where boto3 has read it. Raises ValueError."""
    if isinstance(stored, str):
        return binascii.a2b_base64(stored, strict_mode=True)
    if isinstance(stored, bytes):
        return stored
    raise ValueError("A binary value is base64 text, or bytes")


def _as_it_is(value: Any) -> Any:
    return value


def _items(plain: list[Any]) -> list[Any]:
    return [item_of(item) for item in plain]


def _responses(plain: Any) -> Any:
    """The items of a batch by table, or those of a transaction in order."""
    if isinstance(plain, list):
        return [_held(entry) for entry in cast("list[dict[str, Any]]", plain)]
    return {table: _items(items) for table, items in plain.items()}


def _held(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: item_of(value) if name in ("Item", "Key") else value for name, value in entry.items()}


def _unprocessed_keys(plain: dict[str, Any]) -> dict[str, Any]:
    return {table: {**left, "Keys": _items(left["Keys"])} for table, left in plain.items()}


def _unprocessed_items(plain: dict[str, Any]) -> dict[str, Any]:
    return {
        table: [{kind: _held(held) for kind, held in entry.items()} for entry in left] for table, left in plain.items()
    }


_KINDS: dict[str, Callable[[Any], Any]] = {
    "B": binary_of,
    "BS": lambda value: [binary_of(text) for text in value],
    "M": item_of,
    "L": lambda value: [value_of(inner) for inner in value],
}
# Where a response, or an error, holds attribute values; everything else is plain JSON.
_PLACES: dict[str, Callable[[Any], Any]] = {
    "Item": item_of,
    "Items": _items,
    "Attributes": item_of,
    "LastEvaluatedKey": item_of,
    "Responses": _responses,
    "UnprocessedKeys": _unprocessed_keys,
    "UnprocessedItems": _unprocessed_items,
    "CancellationReasons": lambda plain: [_held(reason) for reason in plain],
}

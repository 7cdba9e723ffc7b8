"""The events that stream records come in: told apart, and the records taken out of whatever wraps them."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from pydantic_core import from_json

from aircraftops_data.errors import UnknownEventError
from aircraftops_data.streams.stored import is_map, text_or_none

Said = Mapping[str, Any]
_EXPECTED = (
    "expected an event of Lambda (DynamoDB Streams, Kinesis, SQS, SNS or Firehose), a response of GetRecords, a list"
    " from EventBridge Pipes, lines of an export, or one record of these"
)
_NO_RECORD = "This is no stream record, and nothing known holds one in it"
_PIECES = (str, bytes, bytearray)


Wrapped = tuple[Said, str | None, str | None]
"""A record as it stood in an event, what the answer to the batch names it by (None: the record says), and why it is
no record of a stream (None: it is)."""


def unwrapped(event: object) -> list[Wrapped]:
    """The records of an event, in order. Raises UnknownEventError for an event that holds none of any kind.

    Text and bytes are JSON: one document, or one on each line.
    """
    if isinstance(event, _PIECES):
        return _of_text(event)
    found = _of_mapping(event) if is_map(event) else None
    if found is None and isinstance(event, Sequence):
        found = _each(cast("Sequence[object]", event), _of_pipe)
    if found is None:
        raise UnknownEventError(f"No event of stream records: {_EXPECTED}")
    return found


def _of_text(text: str | bytes | bytearray) -> list[Wrapped]:
    document = _document(text)
    if isinstance(document, dict | list):
        return unwrapped(cast("object", document))
    # Of text, `splitlines` ends lines at characters too that may stand in JSON's strings.
    lines = [line for line in (text.split("\n") if isinstance(text, str) else text.splitlines()) if line.strip()]
    if len(lines) < 2 or not any(is_map(_document(line)) for line in lines):
        raise UnknownEventError(f"Neither JSON nor lines of JSON: {_EXPECTED}")
    return _each(lines, _of_line)


def _document(text: str | bytes | bytearray) -> object:
    """What a text of JSON holds; None for any other text.

    pydantic-core is the faster of the two, but takes neither half characters nor a byte order mark, which Python does.
    """
    for parse in (_PARSE, json.loads):
        try:
            return parse(text)
        except (ValueError, RecursionError):
            continue
    return None


_PARSE: Callable[[str | bytes | bytearray], object] = partial(from_json, cache_strings="keys")


def _of_mapping(event: Said) -> list[Wrapped] | None:
    if _is_record(event):
        return _of_element(event)
    for name in ("Records", "records", "Messages"):
        elements = event.get(name)
        if isinstance(elements, list) and (name != "records" or "invocationId" in event):
            return _each(cast("list[object]", elements), _of_element)
    # A pipe's target may be an event bus. Source: EventBridge User Guide, "Events".
    detail = event.get("detail") if "detail-type" in event else None
    return _of_pipe(detail) if is_map(detail) else _of_element(event)


def _each(elements: Sequence[object], read: Callable[[Any], list[Wrapped] | None]) -> list[Wrapped]:
    """The records in a list; what is none stays in its place. Raises UnknownEventError where nothing is one."""
    found: list[Wrapped] = []
    strangers = 0
    for element in elements:
        records = read(element)
        strangers += records is None
        found += [_stranger(element)] if records is None else records
    if elements and strangers == len(elements):
        raise UnknownEventError(f"A list of none of the records that are known: {_EXPECTED}")
    return found


def _stranger(element: object) -> Wrapped:
    raw = element if is_map(element) else {"record": element}
    return raw, None, _NO_RECORD


def _of_line(line: str | bytes | bytearray) -> list[Wrapped]:
    """The records of a line, or the line itself: one that is parked must not be nothing when it is read again."""
    try:
        found = unwrapped(line)
    except UnknownEventError:
        found = []
    document = None if found else _document(line)
    return found or [_stranger(document if is_map(document) else line)]


def _of_pipe(element: object) -> list[Wrapped] | None:
    """One element of a pipe's batch, which names the records of streams by `eventID`.

    Source: EventBridge User Guide, "Amazon EventBridge Pipes batching and concurrency", partial batch failure.
    """
    if isinstance(element, _PIECES):
        return _of_line(element)
    if is_map(element) and _is_record(element):
        return [(element, text_or_none(element.get("eventID")), None)]
    return _of_element(element)


def _of_element(element: object) -> list[Wrapped] | None:
    """One element of a list of records or messages; None for a stranger."""
    if not is_map(element):
        return None
    if _is_record(element):
        return [(element, None, None)]
    for known in _WRAPPERS:
        held = known(element)
        if held is not None:
            return _within(element, *held)
    return None


def _is_record(record: Said) -> bool:
    """A record of a stream, or a line of an export. Source: DynamoDB Developer Guide, "Table export output format".

    One that says where it is from is one, whatever it lacks: alone in its batch it is no stranger either.
    """
    told = "dynamodb" in record or "Item" in record or ("Keys" in record and "Metadata" in record)
    return told or record.get("eventSource") == "aws:dynamodb"


def _within(outer: Said, payload: object, source_id: str | None) -> list[Wrapped]:
    """What a message holds; the message itself, with its problem, where that is nothing known."""
    source_id = text_or_none(outer.get("sourceID")) or source_id
    try:
        if not isinstance(payload, _PIECES):
            raise UnknownEventError("No payload")
        inner = unwrapped(payload)
    except UnknownEventError:
        return [(outer, source_id, _NO_RECORD)]
    return [(raw, source_id or known, problem) for raw, known, problem in inner]


Held = tuple[object, str | None]


def _kinesis(record: Said) -> Held | None:
    """Of Lambda, named by its sequence number. Source: Lambda Developer Guide, "Using Lambda with Kinesis"."""
    inside = record.get("kinesis")
    return (_decoded(inside.get("data")), text_or_none(inside.get("sequenceNumber"))) if is_map(inside) else None


def _piped_kinesis(record: Said) -> Held | None:
    """Of a pipe, flat. Source: EventBridge User Guide, "Amazon Kinesis stream as a source for EventBridge Pipes"."""
    if record.get("eventSource") != "aws:kinesis" or "data" not in record:
        return None
    return _decoded(record["data"]), text_or_none(record.get("eventID"))


def _queued(record: Said) -> Held | None:
    """A message of SQS: of Lambda or a pipe, or as ReceiveMessage gives it."""
    for identifier, body in (("messageId", "body"), ("MessageId", "Body")):
        if identifier in record and body in record:
            return record[body], text_or_none(record[identifier])
    return None


def _notification(record: Said) -> Held | None:
    """A notification of SNS: of Lambda, or as a queue or a stream is given it."""
    inside = record.get("Sns", record)
    if not is_map(inside) or not inside.keys() >= _NOTIFICATION:
        return None
    return inside["Message"], text_or_none(inside["MessageId"])


def _transformed(record: Said) -> Held | None:
    """For a transformation of Firehose. Source: Firehose Developer Guide, "Transform source data"."""
    return (_decoded(record["data"]), text_or_none(record["recordId"])) if record.keys() >= _TRANSFORMED else None


_NOTIFICATION = frozenset({"Message", "MessageId"})
_TRANSFORMED = frozenset({"recordId", "data"})
_WRAPPERS: tuple[Callable[[Said], Held | None], ...] = (_kinesis, _piped_kinesis, _queued, _notification, _transformed)


def _decoded(data: object) -> bytes | None:
    """The bytes of base64; None for what is none."""
    try:
        return b64decode(data, validate=True) if isinstance(data, str | bytes) else None
    except (binascii.Error, ValueError):
        return None

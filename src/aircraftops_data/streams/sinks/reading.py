"""Changes out of a queue that a `QueueSink` filled."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from aircraftops_data.errors import InvalidInputError, ObjectStoreError
from aircraftops_data.model.entity import Entity
from aircraftops_data.streams.change import Change, Poison
from aircraftops_data.streams.decoding import decode
from aircraftops_data.streams.sinks.naming import SPILL
from aircraftops_data.transports.objects import Objects


class _Spilled(BaseModel):
    """What a message says of the object its change lies in."""

    key: str
    sha256: str


def changes_in(
    event: Mapping[str, Any] | str, entities: Sequence[type[Entity]] = (), objects: Objects | None = None
) -> list[Change[Any] | Poison]:
    """The changes in an SQS event of Lambda, or in the body of one message; their `source_id` is the message's id.

    Those that lie in objects are brought back. Raises ObjectStoreError where one cannot be read or is not there, and
    InvalidInputError where it is not what was put there, `objects` is missing, or this is no event of SQS. One such
    message fails its event; to have the others, ask for the body of each.
    """
    found: list[Change[Any] | Poison] = []
    for message_id, body in _messages(event):
        record = {"eventSource": "aws:sqs", "messageId": message_id, "body": _whole(body, objects)}
        found += [replace(change, source_id=message_id) for change in decode({"Records": [record]}, entities)]
    return found


def _messages(event: Mapping[str, Any] | str) -> Iterator[tuple[str | None, str]]:
    """The ids and bodies. Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS"."""
    if isinstance(event, str):
        yield None, event
        return
    try:
        yield from [(str(record["messageId"]), str(record["body"])) for record in event["Records"]]
    except (KeyError, TypeError):
        raise InvalidInputError("This is no event of SQS: it has no Records with messageId and body") from None


def _whole(body: str, objects: Objects | None) -> str:
    """The body, or the one that lies in the object it names."""
    spilled = _spilled_in(body)
    if spilled is None:
        return body
    if objects is None:
        raise InvalidInputError("A message says that its change lies in an object; give the objects it was put into")
    octets = objects.find(spilled.key)
    if octets is None:
        raise ObjectStoreError("A message names an object that is not there", key=spilled.key)
    if sha256(octets).hexdigest() != spilled.sha256:
        raise InvalidInputError(f"The object {spilled.key!r} is not the one that the message names")
    return octets.decode()


def _spilled_in(body: str) -> _Spilled | None:
    # Most messages are the change itself: not worth another parse.
    if SPILL not in body:
        return None
    try:
        said = json.loads(body)
    except ValueError:
        return None
    if not isinstance(said, dict) or list(cast("dict[str, Any]", said)) != [SPILL]:
        return None
    try:
        return _Spilled.model_validate(said[SPILL])
    except ValidationError:
        raise InvalidInputError("A message does not say which object its change lies in") from None

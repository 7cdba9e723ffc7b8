"""Changes out of a queue that a `QueueSink` filled."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from aircraftops_data.errors import InvalidInputError, ObjectStoreError
from aircraftops_data.model.entity import Entity
from aircraftops_data.streams.change import Change, Poison
from aircraftops_data.streams.decoding import decode
from aircraftops_data.streams.sinks.naming import SPILL
from aircraftops_data.transports.objects import Objects

Said = Mapping[str, Any]


class _Spilled(BaseModel):
    """What a message says of the object its change lies in."""

    key: str
    sha256: str


def changes_in(
    event: object, entities: Iterable[type[Entity]] = (), objects: Objects | None = None
) -> list[Change[Any] | Poison]:
    """The changes in messages: an event of Lambda on the queue, a pipe's list, a response of ReceiveMessage, or a body.

    Their `source_id` is the message's id, by which the answer to Lambda names those that failed; that of a body alone
    is None. Changes in objects are brought back. Raises ObjectStoreError where one cannot be read or is not there,
    InvalidInputError where it is not what was put there or `objects` is missing, UnknownEventError. One such message
    fails its event; to have the others, ask for the body of each.
    """
    return decode(_brought_back(event, objects), entities)


def _brought_back(event: object, objects: Objects | None) -> object:
    """The event with the bodies that lie in objects in their place."""
    if isinstance(event, str):
        return [{"messageId": None, "body": _whole(event, objects)}]
    if isinstance(event, list):
        return [_with_body(element, objects) for element in cast("list[object]", event)]
    if not isinstance(event, Mapping):
        return event
    said = cast("Said", event)
    lists = [name for name in ("Records", "Messages") if isinstance(said.get(name), list)]
    return {**said, **{name: _brought_back(said[name], objects) for name in lists}}


def _with_body(element: object, objects: Objects | None) -> object:
    if not isinstance(element, Mapping):
        return element
    said = cast("Said", element)
    bodies = {name: _whole(said[name], objects) for name in ("body", "Body") if isinstance(said.get(name), str)}
    return {**said, **bodies}


def _whole(body: str, objects: Objects | None) -> str:
    """The body, or the one that lies in the object it names."""
    spilled = _spilled_in(body)
    if spilled is None:
        return body
    if objects is None:
        raise InvalidInputError("A message says that its change lies in an object; give the objects it was put into")
    octets = objects.find(spilled.key)
    if octets is None:
        raise ObjectStoreError("A message names an object that is not there", key=spilled.key, missing=True)
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

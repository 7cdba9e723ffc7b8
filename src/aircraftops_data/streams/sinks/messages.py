"""Changes as messages and back: their text, the id by which copies are told, and what is too large for a queue."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from aircraftops_data.errors import InvalidInputError, ObjectStoreError
from aircraftops_data.model.entity import Entity
from aircraftops_data.streams.change import AnyRecord, Change
from aircraftops_data.streams.decoding import decode
from aircraftops_data.streams.encoding import message
from aircraftops_data.transports.objects import Objects

Said = Mapping[str, Any]

# The one name in the JSON of a message whose change lies in an object.
_SPILL = "aircraftops_spill"
# Plain enough for SQS, for the key of an object and for a file's name, and as AWS makes them.
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_SETS = frozenset({"SS", "NS", "BS"})


def event_id_of(change: Change[Any]) -> str:
    """The event id; of a change without one, or with one that no queue takes, a digest of all it says.

    So an item that was read twice as it stood is the same both times, until it has changed.
    """
    if change.event_id is not None and _PLAIN(change.event_id):
        return change.event_id
    said = json.dumps(json.loads(text_of(change), object_hook=_in_order), sort_keys=True)
    return sha256(f"{change.place} {said}".encode()).hexdigest()


def _in_order(said: dict[str, Any]) -> dict[str, Any]:
    """With sets in one order: DynamoDB gives their members, as it does attributes, in any."""
    for name in _SETS & said.keys():
        if isinstance(said[name], list):
            said[name].sort(key=str)
    return said


def text_of(change: Change[Any]) -> str:
    """The change as the text of a message: the same whatever it came in, for that is no part of it."""
    return message(replace(change, source_id=None))


def spilled(change: Change[Any], body: str, objects: Objects) -> str:
    """The message that names the object with this body, which is stored. Raises ObjectStoreError."""
    octets = body.encode()
    digest = sha256(octets).hexdigest()
    # Another library's version may write a change otherwise: not over what a message speaks of.
    key = f"spill/{change.place}/{change.order.partition('-')[0]}-{event_id_of(change)}-{digest[:16]}.json"
    objects.put(key, octets, "application/json")
    return json.dumps({_SPILL: {"key": key, "sha256": digest, "size_bytes": len(octets)}})


class _Spilled(BaseModel):
    """What a message says of the object its change lies in."""

    key: str
    sha256: str


def changes_in(event: object, entities: Iterable[type[Entity]] = (), objects: Objects | None = None) -> list[AnyRecord]:
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
    if _SPILL not in body:
        return None
    try:
        said = json.loads(body)
    except ValueError:
        return None
    if not isinstance(said, dict) or list(cast("dict[str, Any]", said)) != [_SPILL]:
        return None
    try:
        return _Spilled.model_validate(said[_SPILL])
    except ValidationError:
        raise InvalidInputError("A message does not say which object its change lies in") from None

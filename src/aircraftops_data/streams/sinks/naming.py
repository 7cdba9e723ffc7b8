"""What a change is known by where it is sent, the same each time it is: so that copies can be told."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import sha256
from typing import Any

from aircraftops_data.streams.change import Change
from aircraftops_data.streams.encoding import message

SPILL = "aircraftops_spill"
"""The one name in the JSON of a message whose change lies in an object."""

# Plain enough for SQS, for the key of an object and for a file's name, and as AWS makes them.
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch


def event_id_of(change: Change[Any]) -> str:
    """The event id; of a change without one, or with one that no queue takes, a digest of all it says.

    So an item that was read twice as it stood is the same both times, until it has changed.
    """
    if change.event_id is not None and _PLAIN(change.event_id):
        return change.event_id
    return sha256(f"{change.place} {text_of(change)}".encode()).hexdigest()


def text_of(change: Change[Any]) -> str:
    """The change as the text of a message: the same whatever it came in, for that is no part of it."""
    return message(replace(change, source_id=None))

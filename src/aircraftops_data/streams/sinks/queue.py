"""Changes as messages of SQS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aircraftops_data.errors import ItemTooLargeError, RequestRefusedError, StoreError, ThrottledError
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.sinks.batches import Entry, Outcomes, Patience, Request, deliver
from aircraftops_data.streams.sinks.messages import event_id_of, spilled, text_of
from aircraftops_data.streams.sinks.service import Receiving
from aircraftops_data.streams.sinks.sink import Refused
from aircraftops_data.transports.objects import Objects

# Sources: API Reference, SendMessageBatch; Developer Guide, "Amazon SQS message quotas". Since August 2025 1 MiB for a
# message and for a request alike; name, type and value of each attribute count.
_MOST_BYTES = 1024 * 1024
_MOST_MESSAGES = 10
_OPERATION = "SendMessageBatch"


class QueueSink:
    """Sends each change as a message: what `decode` takes back out of an event of SQS, also by way of a Pipe.

    A message has the attributes `operation`, `event_id` and, of an item of an entity, `entity_type`.

    A FIFO queue (its URL ends in ".fifo"): **each change once, those of an item in their order**. The group of a
    message is its item, its deduplication id the change's event id, so that whatever is sent again (after a lost
    answer, by a caller whose function ended half way) is dropped by SQS. SQS remembers for 5 minutes: what is sent
    again later is there twice, an item's changes repeated from the one sent again up to the same last one. A consumer
    that a repetition harms remembers event ids, or for each item the `order` it is at. A change is sent when those
    before it of the same item have been taken, so an item's changes go one a request.

    A standard queue: **each change at least once, in no order**; copies have the same event id.

    A change too large for a message is put into `objects`, under a key of its own that is the same each time, and the
    message names it (`changes_in` brings it back); without `objects` it is refused with ItemTooLargeError. Nothing
    deletes these objects: give the prefix "spill/" a lifetime longer than messages are kept.

    `most_bytes` is what the queue takes (its MaximumMessageSize): queues from before August 2025, and those that
    Terraform makes unless told otherwise, have 262,144.
    """

    def __init__(
        self,
        queue_url: str,
        *,
        client: Any = None,
        session: Any = None,
        objects: Objects | None = None,
        most_bytes: int = _MOST_BYTES,
        patience: Patience | None = None,
    ) -> None:
        self._url = queue_url
        self._fifo = queue_url.endswith(".fifo")
        self._service = Receiving("sqs", client, session)
        self._objects = objects
        self._most_bytes = most_bytes
        self._patience = patience or Patience()
        self._request = Request(
            prepare=self._entry, send=self._send, most=_MOST_MESSAGES, most_bytes=most_bytes, ordered=self._fifo
        )

    def write(self, changes: Sequence[Change[Any]]) -> Sequence[Refused]:
        """Send changes; those refused, and in a standard queue those behind them, which may have been taken.

        What SQS could not take just now is sent again. Raises StoreError, ObjectStoreError.
        """
        return deliver(changes, self._request, self._patience)

    def _entry(self, change: Change[Any]) -> Entry[dict[str, Any]]:
        """A change as a message. Raises ItemTooLargeError, ObjectStoreError."""
        event_id = event_id_of(change)
        attributes = _attributes(change, event_id)
        beside = sum(len(name + kind["DataType"] + kind["StringValue"]) for name, kind in attributes.items())
        # ASCII, so that SQS takes each character and each is a byte.
        body = text_of(change)
        size = len(body) + beside
        if size > self._most_bytes:
            if self._objects is None:
                text = f"A change takes {size} bytes as a message, the queue {self._most_bytes}; give the sink objects"
                raise ItemTooLargeError(text, size_bytes=size, limit_bytes=self._most_bytes)
            body = spilled(change, body, self._objects)
            size = len(body) + beside
        entry = {"MessageBody": body, "MessageAttributes": attributes}
        if self._fifo:
            entry |= {"MessageGroupId": change.place, "MessageDeduplicationId": event_id}
        return Entry(entry, size)

    def _send(self, entries: Sequence[dict[str, Any]]) -> Outcomes:
        numbered = [{"Id": str(number), **entry} for number, entry in enumerate(entries)]
        answer = self._service.call(_OPERATION, QueueUrl=self._url, Entries=numbered)
        taken = {said["Id"] for said in answer.get("Successful", ())}
        failed = {said["Id"]: said for said in answer.get("Failed", ())}
        return [None if entry["Id"] in taken else _error(failed.get(entry["Id"], {})) for entry in numbered]


def _attributes(change: Change[Any], event_id: str) -> dict[str, dict[str, str]]:
    said = {"operation": change.operation.value, "event_id": event_id}
    if change.entity is not None:
        said["entity_type"] = change.entity.definition().entity_type
    return {name: {"DataType": "String", "StringValue": value} for name, value in said.items()}


def _error(said: Any) -> Exception:
    """What SQS says of an entry it did not take. It says of each; one it says nothing of may have been taken."""
    code = str(said.get("Code", "NoAnswer"))
    text = f"{_OPERATION}: a message was not taken: {code}"
    if said.get("SenderFault", False):
        return RequestRefusedError(text, operation=_OPERATION, code=code)
    kind = ThrottledError if "Throttl" in code else StoreError
    return kind(text, operation=_OPERATION, code=code, retryable=True)

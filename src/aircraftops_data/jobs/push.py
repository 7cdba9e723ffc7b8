"""Jobs told of by message: what a message says, when one is done with, and the queue of SQS they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, cast

from aircraftops_data.errors import InvalidMessageError
from aircraftops_data.jobs.model import Job
from aircraftops_data.jobs.states import JobState
from aircraftops_data.transports.services import called

# Source: Amazon SQS Developer Guide, "Amazon SQS visibility timeout": 12 hours from when the message was received.
HIDDEN_MOST = timedelta(hours=12)
# What a message's way from SQS to here and back may take.
_ON_THE_WAY = timedelta(minutes=1)
# Source: Amazon SQS API Reference, ReceiveMessage: up to 10 messages, a wait of up to 20 seconds.
RECEIVED_MOST = 10


def message_of(job: Job) -> str:
    """The body of a message that tells of a job: its id and nothing else, for the job itself may change."""
    return json.dumps({"job_id": job.id})


def job_id_of(body: Any) -> str:
    """The id in the body of a message. Raises InvalidMessageError."""
    try:
        said = json.loads(body)
    except (TypeError, ValueError):
        raise InvalidMessageError("The message is not JSON") from None
    found = cast("dict[str, Any]", said).get("job_id") if isinstance(said, dict) else None
    if not isinstance(found, str) or not 1 <= len(found) <= 200:
        raise InvalidMessageError('A message that tells of a job is {"job_id": "..."}')
    return found


def records_of(event: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The message ids and bodies of an SQS event of Lambda. Raises InvalidMessageError.

    Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS".
    """
    try:
        return [(str(record["messageId"]), record["body"]) for record in event["Records"]]
    except (KeyError, TypeError):
        raise InvalidMessageError("This is no event of SQS: it has no Records with messageId and body") from None


def visible_in(job: Job | None, now: datetime, margin: timedelta, least: timedelta) -> timedelta | None:
    """How long to hide a message that told of this job; None where it is done with, the job having ended or gone.

    Until the job is due; `least` for one that is due and could not be had.
    """
    if job is None or job.due_at is None:
        return None
    due_at = job.due_at
    if job.state is JobState.RUNNING and job.lease_until is not None:
        due_at = max(due_at, job.lease_until + margin)
    return due_at - now if due_at > now else least


@dataclass(frozen=True, slots=True)
class Message:
    """A message as received, and when."""

    body: Any
    receipt: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class SqsQueue:
    """A queue of SQS by a boto3 client. `wait` is how long SQS holds a question open; so long may a stop take."""

    client: Any
    url: str
    wait: timedelta = timedelta(seconds=5)

    def receive(self, count: int, now: datetime) -> list[Message]:
        """Up to `count` messages, and no more than 10. Raises StoreError."""
        given = {"MaxNumberOfMessages": min(count, RECEIVED_MOST), "WaitTimeSeconds": int(self.wait.total_seconds())}
        found: Sequence[Any] = self._call("ReceiveMessage", **given).get("Messages", ())
        return [Message(message["Body"], message["ReceiptHandle"], now) for message in found]

    def put_by(self, message: Message, delay: timedelta | None, now: datetime) -> None:
        """Show a message again after `delay`, or as late as SQS allows; None: delete it. Raises StoreError."""
        if delay is None:
            self._call("DeleteMessage", ReceiptHandle=message.receipt)
            return
        most = HIDDEN_MOST - _ON_THE_WAY - (now - message.received_at)
        seconds = max(0, ceil(min(delay, most).total_seconds()))
        self._call("ChangeMessageVisibility", ReceiptHandle=message.receipt, VisibilityTimeout=seconds)

    def _call(self, operation: str, **given: Any) -> Any:
        return called(self.client, operation, QueueUrl=self.url, **given)

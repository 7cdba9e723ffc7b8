"""Changes as rows for analytics, by Amazon Data Firehose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aircraftops_data.errors import ItemTooLargeError, StoreError
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.sinks.batches import Entry, Outcomes, Patience, Request, deliver
from aircraftops_data.streams.sinks.rows import Rows, line_of
from aircraftops_data.streams.sinks.service import Receiving
from aircraftops_data.streams.sinks.sink import Refused
from aircraftops_data.streams.sinks.telling import Fields

# Sources: API Reference, PutRecordBatch and Record; Developer Guide, "Amazon Data Firehose quota". Before base64.
_MOST_ROWS = 500
_MOST_BYTES = 4 * 1024 * 1024
_MOST_ROW_BYTES = 1000 * 1024
_OPERATION = "PutRecordBatch"


class FirehoseSink:
    """Sends each change as a line of JSON, its columns those of `Rows`, or of a `row` of your own.

    Of entities in `fields` these are told, of others all that are not private. Raises DefinitionError.

    **Each change at least once, in no order.** Firehose knows no deduplication: what is sent again, after a lost answer
    or by a caller whose function ended half way, is there twice, under the same `_event_id`. Where the rows end up, a
    query has each change once, and of these the last of each item:

        SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY _place, _event_id) AS copy FROM changes) WHERE copy = 1

        SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY _place ORDER BY _age DESC) AS late FROM changes)
        WHERE late = 1 AND _operation <> 'remove'

    Read so, the rows are what they would be had each change come once: it is effectively once. The second knows
    removals by the old image: where the stream's view leaves that out, they have no `_age`, and what was removed stays.
    Firehose keeps rows for 24 hours while it cannot deliver them; what it could not by then, it drops.

    A row of more than 1000 KiB is refused with ItemTooLargeError. A `row` may hold what `line_of` has a
    JSON form for.
    """

    def __init__(
        self,
        stream_name: str,
        *,
        client: Any = None,
        session: Any = None,
        fields: Fields | None = None,
        row: Callable[[Change[Any]], Mapping[str, Any]] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._stream = stream_name
        self._service = Receiving("firehose", client, session)
        self._row = row or Rows(fields).of
        self._patience = patience or Patience()
        self._request = Request(
            prepare=self._entry, send=self._send, most=_MOST_ROWS, most_bytes=_MOST_BYTES, ordered=False
        )

    def write(self, changes: Sequence[Change[Any]]) -> Sequence[Refused]:
        """Send changes; those refused, and those behind them, which may have been taken.

        What Firehose could not take just now is sent again, and nothing else. Raises StoreError.
        """
        return deliver(changes, self._request, self._patience)

    def _entry(self, change: Change[Any]) -> Entry[bytes]:
        """A change as a line. Raises ItemTooLargeError, InvalidValueError."""
        line = line_of(self._row(change))
        if len(line) > _MOST_ROW_BYTES:
            text = f"A row takes {len(line)} bytes; Firehose takes {_MOST_ROW_BYTES}"
            raise ItemTooLargeError(text, size_bytes=len(line), limit_bytes=_MOST_ROW_BYTES)
        return Entry(line, len(line))

    def _send(self, lines: Sequence[bytes]) -> Outcomes:
        answer = self._service.call(
            _OPERATION, DeliveryStreamName=self._stream, Records=[{"Data": line} for line in lines]
        )
        said = answer["RequestResponses"]
        # It says of each; if it does not, nobody knows which it means.
        return [_error(each) for each in said] if len(said) == len(lines) else [_error(None)] * len(lines)


def _error(said: Mapping[str, Any] | None) -> StoreError | None:
    """Why a row was not taken; there are but ServiceUnavailableException, for too many rows, and InternalFailure."""
    code = "NoAnswer" if said is None else said.get("ErrorCode")
    if not code:
        return None
    return StoreError(f"{_OPERATION}: a row was not taken: {code}", operation=_OPERATION, code=code, retryable=True)

"""Ways to append audit events: this library's chain, links written one by one as most do, and no chain at all."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from hashlib import sha256
from random import uniform
from time import sleep
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from aircraftops_data import AUDIT_EVENTS, AircraftOps
from aircraftops_data.clock import SystemClock
from aircraftops_data.testing import local_session
from benchmarks.audit.results import WayName

TENANT = "acme"
Said = dict[str, Any]
"""What an event says, by the names `ops.audit.event` has for it."""


def said(number: int, *, correlated: bool = True) -> Said:
    """What a change of an aircraft says; correlated, it is in three indexes, otherwise in two."""
    changes = {"status": {"before": "serviceable", "after": "in maintenance"}, "hours": 1200 + number}
    of = {"correlation_id": f"request-{number % 1000:08}"} if correlated else {}
    return {
        "actor": f"user:{number % 20}",
        "action": "aircraft.update",
        "resource": f"aircraft:a{number % 500:05x}",
        "tenant": TENANT,
        "details": {"number": number, "reason": "annual inspection", "changes": changes},
        **of,
    }


class Way(ABC):
    """A way to append, in tables behind a prefix."""

    @abstractmethod
    def append(self, events: Sequence[Said]) -> int:
        """Append; how many transactions were refused because another had appended first."""

    @abstractmethod
    def close(self) -> None:
        """Close what is to be closed."""


class OwnChain(Way):
    """This library's: whatever is appended at once is one block."""

    def __init__(self, ops: AircraftOps) -> None:
        self._ops = ops
        self._chain = ops.audit.chain(TENANT)

    def append(self, events: Sequence[Said]) -> int:
        """The events as they are made ready for the table, too."""
        self._chain.append([self._ops.audit.event(**each) for each in events])
        return 0

    def close(self) -> None:
        """Close the connections."""
        self._ops.close()


class Link(NamedTuple):
    """Where a chain of single links ends."""

    number: int = 0
    hash: bytes = bytes(32)


class OneByOne(Way):
    """One transaction for each event: the head moves on if it is as known, and the record is put with its hash.

    A refusal tells how the head is; after a pause, the longer the more often, the link is made anew.
    """

    def __init__(self, endpoint: str, prefix: str) -> None:
        self._client = _client(endpoint)
        self._table = f"{prefix}{AUDIT_EVENTS.name}"
        self._clock = SystemClock()
        self._end = Link()

    def append(self, events: Sequence[Said]) -> int:
        """One after the other."""
        return sum(self._append(each) for each in events)

    def _append(self, event: Said) -> int:
        refused = 0
        while True:
            before = self._end
            actions, after = self.transaction(event, before)
            try:
                self._client.transact_write_items(TransactItems=actions, ClientRequestToken=uuid4().hex)
            except self._client.exceptions.TransactionCanceledException as error:
                self._end = _told(error.response["CancellationReasons"][0], before)
                sleep(uniform(0, min(0.1, 0.005 * 2**refused)))
                refused += 1
            else:
                self._end = after
                return refused

    def transaction(self, event: Said, before: Link) -> tuple[list[Any], Link]:
        """The two actions of a link, and where the chain ends with it."""
        item = record(event, self._clock.now().isoformat())
        plain = json.dumps(item, sort_keys=True, default=bytes.hex).encode()
        after = Link(before.number + 1, sha256(before.hash + plain).digest())
        item |= {"previous": {"B": before.hash}, "hash": {"B": after.hash}, "number": {"N": str(after.number)}}
        key = {"PK": {"S": f"LINKS#{TENANT}"}, "SK": {"S": "HEAD"}}
        values: dict[str, Any] = {":new": {"B": after.hash}, ":number": {"N": str(after.number)}}
        values |= {":old": {"B": before.hash}} if before.number else {}
        update = {
            "TableName": self._table,
            "Key": key,
            "UpdateExpression": "SET #h = :new, #n = :number",
            "ConditionExpression": "#h = :old" if before.number else "attribute_not_exists(#h)",
            "ExpressionAttributeNames": {"#h": "hash", "#n": "number"},
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        put = {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(PK)"}
        return [{"Update": update}, {"Put": put}], after

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class NoChain(Way):
    """The same records, put one after the other and linked to nothing."""

    def __init__(self, endpoint: str, prefix: str) -> None:
        self._client = _client(endpoint)
        self._table = f"{prefix}{AUDIT_EVENTS.name}"
        self._clock = SystemClock()

    def append(self, events: Sequence[Said]) -> int:
        """One after the other."""
        for each in events:
            self._client.put_item(**self.put(each))
        return 0

    def put(self, event: Said) -> dict[str, Any]:
        """The parameters of a put."""
        item = record(event, self._clock.now().isoformat())
        return {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(PK)"}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def way(name: WayName, endpoint: str, prefix: str) -> Way:
    """That way, on tables that are there."""
    if name == "one by one":
        return OneByOne(endpoint, prefix)
    if name == "no chain":
        return NoChain(endpoint, prefix)
    transport: Literal["direct", "botocore"] = "direct" if name.endswith("direct") else "botocore"
    where = {"session": local_session(), "endpoint_url": endpoint, "prefix": prefix}
    return OwnChain(AircraftOps.connect(transport=transport, **where))


def record(event: Said, now: str) -> dict[str, Any]:
    """An event as an item under the same keys as this library's, without what that keeps of its own."""
    tag, month = f"EVENT#{uuid4().hex}", now[:7]
    texts = {name: held for name, held in event.items() if name != "details"} | {"outcome": "success"}
    keys = {
        "occurred_at": now,
        "PK": f"RESOURCE#{event['resource']}",
        "GSI1PK": f"ACTOR#{event['actor']}#{month}",
        "GSI2PK": f"ACTION#{TENANT}#{event['action']}#success#{month}",
    }
    if "correlation_id" in event:
        keys["GSI3PK"] = f"CORRELATION#{event['correlation_id']}"
    keys |= {name.replace("PK", "SK"): tag for name in keys if name.endswith("PK")}
    return {name: {"S": held} for name, held in (texts | keys).items()} | {"details": _typed(event["details"])}


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {"M": {name: _typed(held) for name, held in value.items()}}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def _told(reason: Mapping[str, Any], before: Link) -> Link:
    """The head as the refusal of its update has it; as before where that was refused for another reason."""
    head = reason.get("Item")
    return before if head is None else Link(int(head["number"]["N"]), bytes(head["hash"]["B"]))


def _client(endpoint: str) -> Any:
    from botocore.config import Config

    return local_session().client("dynamodb", endpoint_url=endpoint, config=Config(max_pool_connections=32))

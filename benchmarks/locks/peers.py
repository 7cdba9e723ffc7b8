"""Ways to take a lock in DynamoDB and give it back: this library's, and those of others."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from aircraftops_data import metered
from aircraftops_data.coordination import Lock, Locks
from aircraftops_data.testing import local_session
from benchmarks.engine import connected
from benchmarks.registry import OURS, OURS_DIRECT
from benchmarks.results import Asked
from benchmarks.telling import Teller

LEASE_SECONDS = 30.0
REGION = "us-east-1"


class Peer(ABC):
    """Somebody's locks, in a table of their own behind a prefix."""

    told: ClassVar[str] = ""
    """What it does not do, as its source of the pinned version says."""

    @abstractmethod
    def __init__(self, endpoint: str, prefix: str) -> None: ...

    @abstractmethod
    def take(self, name: str, wait_seconds: float) -> Any:
        """The lock, in hand."""

    @abstractmethod
    def give(self, held: Any) -> None:
        """Give it back."""

    @abstractmethod
    def asked(self, name: str) -> Asked:
        """What taking it once and giving it back asks of DynamoDB."""

    def close(self) -> None:
        """Close what is to be closed, where there is something."""
        return


class Own(Peer):
    """This library, over boto3."""

    transport: ClassVar[str] = "botocore"

    def __init__(self, endpoint: str, prefix: str) -> None:
        self.ops = connected(endpoint, f"{prefix}{self.transport}-", transport=self.transport)

    def take(self, name: str, wait_seconds: float) -> Lock:
        """The lock, in hand."""
        lease, wait = timedelta(seconds=LEASE_SECONDS), timedelta(seconds=wait_seconds)
        return self.ops.locks.acquire(name, lease=lease, wait=wait)

    def give(self, held: Lock) -> None:
        """Give it back."""
        held.release()

    def asked(self, name: str) -> Asked:
        """Requests as they are sent, units as they are billed."""
        with metered() as meter:
            self.give(self.take(name, 0))
        teller = Teller(self.ops.core)
        teller.tell("a turn", lambda: Locks(teller.core).acquire(name).release())
        (bill,) = teller.bills
        return Asked(requests=meter.consumed.requests, read_units=bill.read_units, write_units=bill.write_units)

    def close(self) -> None:
        """Close the connections."""
        self.ops.close()


class OwnDirect(Own):
    """This library over its direct transport."""

    transport: ClassVar[str] = "direct"


class Pydynox(Peer):
    """pydynox: leases in Rust."""

    told: ClassVar[str] = (
        "an acquisition is known by a random id, so transactions of the same client can check it and nothing else can "
        "compare it with later ones; releasing deletes the item; no release by force, no renewal by hand, no list"
    )

    def __init__(self, endpoint: str, prefix: str) -> None:
        from pydynox import DynamoDBClient
        from pydynox.lock import SyncDistributedLock

        self._table = _table(endpoint, f"{prefix}pydynox", "key")
        self._client = DynamoDBClient(region=REGION, endpoint_url=endpoint, access_key="local", secret_key="local")
        self._lock: Any = SyncDistributedLock

    def take(self, name: str, wait_seconds: float) -> Any:
        """The lock, in hand; its guards serve once."""
        terms = {"lease_duration": LEASE_SECONDS, "wait_timeout": wait_seconds}
        return self._lock(self._client, table=self._table, key=name, **terms).__enter__()

    def give(self, held: Any) -> None:
        """Give it back."""
        held.__exit__(None, None, None)

    def asked(self, name: str) -> Asked:
        """As the guard itself counts it."""
        held = self.take(name, 0)
        self.give(held)
        seen = held.metrics
        requests = seen.read_requests + seen.write_requests
        return Asked(requests=requests, read_units=seen.consumed_rcu, write_units=seen.consumed_wcu)


class _OverBoto3(Peer):
    """Locks by a boto3 resource, whose requests are counted where boto3 makes them."""

    def __init__(self, endpoint: str) -> None:
        self.resource: Any = local_session().resource("dynamodb", endpoint_url=endpoint)

    def asked(self, name: str) -> Asked:
        """As DynamoDB tells it when asked to."""
        asked, events = Asked(), self.resource.meta.client.meta.events

        def ask(params: dict[str, Any], **_: Any) -> None:
            params["ReturnConsumedCapacity"] = "TOTAL"

        def count(parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
            units = parsed["ConsumedCapacity"]["CapacityUnits"]
            asked.requests += 1
            if model.name == "GetItem":
                asked.read_units += units
            else:
                asked.write_units += units

        events.register("before-parameter-build.dynamodb", ask)
        events.register("after-call.dynamodb", count)
        self.give(self.take(name, 0))
        events.unregister("before-parameter-build.dynamodb", ask)
        events.unregister("after-call.dynamodb", count)
        return asked


class PythonDynamoDBLock(_OverBoto3):
    """python-dynamodb-lock, after the Java client of AWS Labs. Its waiters look every 5 seconds by default."""

    told: ClassVar[str] = (
        "no token: the id in the item changes with each heartbeat, and the owner's name is the same in all of a "
        "client's acquisitions; who lost the answer to its acquisition takes its own lock for another's; releasing "
        "deletes the item; no release by force, no renewal by hand; a `with` block swallows what is raised in it"
    )

    def __init__(self, endpoint: str, prefix: str) -> None:
        from python_dynamodb_lock.python_dynamodb_lock import DynamoDBLockClient

        super().__init__(endpoint)
        logging.getLogger("python_dynamodb_lock").setLevel(logging.ERROR)
        table = _table(endpoint, f"{prefix}python-dynamodb-lock", "lock_key", "sort_key")
        self._client: Any = DynamoDBLockClient(self.resource, table_name=table)

    def take(self, name: str, wait_seconds: float) -> Any:
        """The lock, in hand."""
        return self._client.acquire_lock(name, retry_timeout=timedelta(seconds=wait_seconds))

    def give(self, held: Any) -> None:
        """Give it back."""
        held.release(best_effort=False)

    def close(self) -> None:
        """End its two threads, which takes until their next heartbeat."""
        self._client.close()


class Dynalock(_OverBoto3):
    """dynalock: one item with an expiry."""

    told: ClassVar[str] = (
        "the lease is an instant by the holder's wall clock, compared with the wall clock of who wants it; no "
        "heartbeat, no waiting, no owner, no token; releasing deletes the item, whoever has the lock by then"
    )

    def __init__(self, endpoint: str, prefix: str) -> None:
        from dynalock import DynaLock

        super().__init__(endpoint)
        self._table = self.resource.Table(_table(endpoint, f"{prefix}dynalock", "LockId"))
        self._lock: Any = DynaLock
        self._known: dict[str, Any] = {}

    def take(self, name: str, wait_seconds: float) -> Any:
        """The lock, in hand. One that is held is not waited for."""
        if name not in self._known:
            lock = self._lock(lock_id=name, region_name=REGION, table_name=self._table.name, ttl=int(LEASE_SECONDS))
            # It knows no endpoint.
            lock.table = self._table
            self._known[name] = lock
        held = self._known[name].lock()
        held.__enter__()
        return held

    def give(self, held: Any) -> None:
        """Give it back."""
        held.__exit__(None, None, None)


PEERS: Mapping[str, type[Peer]] = {
    OURS: Own,
    OURS_DIRECT: OwnDirect,
    "pydynox": Pydynox,
    "python-dynamodb-lock": PythonDynamoDBLock,
    "dynalock": Dynalock,
}


def _table(endpoint: str, name: str, *keys: str) -> str:
    """A fresh table with these keys, which are strings."""
    client: Any = local_session().client("dynamodb", endpoint_url=endpoint)
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
        BillingMode="PAY_PER_REQUEST",
    )
    return name

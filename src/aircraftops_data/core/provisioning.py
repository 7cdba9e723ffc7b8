"""Making tables: the requests as values, and a plan that makes what is missing and refuses what differs.

It never changes or deletes a table. One exception keeps it restartable: an empty table that lacks only its TTL is a
creation that was interrupted, and its TTL is turned on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from aircraftops_data.core.context import Context, send
from aircraftops_data.errors import RequestRefusedError, StoreError, TableMismatchError, TableMissingError
from aircraftops_data.model.schema import KeyAttribute, SecondaryIndex, Table
from aircraftops_data.request import Plan, Request, Wait
from aircraftops_data.settings import TableOptions

Description = Mapping[str, Any]
_POLL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, *([2.0] * 150))


@dataclass(frozen=True)
class TableOutcome:
    """What became of one table: `created`, `completed` (an interrupted creation), or `unchanged`."""

    name: str
    outcome: Literal["created", "completed", "unchanged"]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"


def create_request(table: Table, context: Context, options: TableOptions) -> Request:
    """The CreateTable of a definition."""
    parameters: dict[str, Any] = {
        "TableName": context.names[table],
        "AttributeDefinitions": [{"AttributeName": a.name, "AttributeType": a.type} for a in table.key_attributes],
        "KeySchema": _key_schema(table.attributes),
        "BillingMode": options.billing_mode,
    }
    for name, local in (("GlobalSecondaryIndexes", False), ("LocalSecondaryIndexes", True)):
        indexes = [_index(index, options) for index in table.indexes if index.local is local]
        if indexes:
            parameters[name] = indexes
    return Request("CreateTable", parameters | _throughput(options) | _extras(table, options))


def _key_schema(attributes: Sequence[KeyAttribute]) -> list[dict[str, str]]:
    return [{"AttributeName": a.name, "KeyType": kind} for a, kind in zip(attributes, ("HASH", "RANGE"), strict=False)]


def _index(index: SecondaryIndex, options: TableOptions) -> dict[str, Any]:
    base: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": _key_schema(index.attributes),
        "Projection": _projection(index),
    }
    return base if index.local else base | _throughput(options)


def _projection(index: SecondaryIndex) -> dict[str, Any]:
    if isinstance(index.projection, str):
        return {"ProjectionType": index.projection}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.projection)}


def _throughput(options: TableOptions) -> dict[str, Any]:
    if options.billing_mode == "PAY_PER_REQUEST":
        return {}
    units = {"ReadCapacityUnits": options.read_units, "WriteCapacityUnits": options.write_units}
    return {"ProvisionedThroughput": units}


def _extras(table: Table, options: TableOptions) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if table.stream is not None:
        extras["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream}
    if options.kms_key is not None:
        extras["SSESpecification"] = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": options.kms_key}
    if options.tags:
        extras["Tags"] = [{"Key": name, "Value": value} for name, value in options.tags.items()]
    if options.deletion_protection:
        extras["DeletionProtectionEnabled"] = True
    return extras


def create_tables(tables: Iterable[Table], context: Context, options: TableOptions) -> Plan[list[TableOutcome]]:
    """Make the tables that are missing, and wait until all are active with their TTL on.

    Looks at every table before making any. Raises TableMismatchError where one exists and differs.
    """
    wanted = list(tables)
    states: list[_State] = []
    for table in wanted:
        states.append((yield from _look(table, context)))
    outcomes: list[TableOutcome] = []
    for table, state in zip(wanted, states, strict=True):
        outcomes.append((yield from _make(table, state, context, options)))
    return outcomes


_State = Literal["missing", "unfinished", "complete"]


def _look(table: Table, context: Context) -> Plan[_State]:
    """What there is of a table. Raises TableMismatchError where it differs from its definition."""
    description = yield from describe(table, context)
    if description is None:
        return "missing"
    refuse_differences(table, description, context)
    if description["TableStatus"] != "ACTIVE":
        return "unfinished"
    if table.ttl_attribute is None:
        return "complete"
    found = yield from ttl_attribute(table, context)
    if found == table.ttl_attribute:
        return "complete"
    # An empty table without TTL is a creation that was interrupted, or that another process is about to finish.
    if found is None and (yield from _is_empty(table, context)):
        return "unfinished"
    name = context.names[table]
    raise _mismatch(name, [f"TTL attribute: expected {table.ttl_attribute!r}, found {found!r}"])


def _make(table: Table, state: _State, context: Context, options: TableOptions) -> Plan[TableOutcome]:
    name = context.names[table]
    created = state == "missing" and (yield from _create(table, context, options))
    description = yield from _active(table, context)
    if state == "complete":
        return TableOutcome(name, "unchanged")
    refuse_differences(table, description, context)
    if options.point_in_time_recovery:
        yield from _enable_recovery(table, context)
    # Last, for its absence is what tells an unfinished creation.
    completed = yield from _enable_ttl(table, context)
    return TableOutcome(name, "created" if created else "completed" if completed else "unchanged")


def _create(table: Table, context: Context, options: TableOptions) -> Plan[bool]:
    """Whether the table was made here; another process may be faster."""
    try:
        yield from send(create_request(table, context, options), context)
    except RequestRefusedError as error:
        if error.code != "ResourceInUseException":
            raise
        return False
    return True


def describe(table: Table, context: Context) -> Plan[Description | None]:
    """What the engine says of the table; None where there is none."""
    try:
        response = yield from send(Request("DescribeTable", {"TableName": context.names[table]}), context)
    except TableMissingError:
        return None
    description: Description = response["Table"]
    return description


def _active(table: Table, context: Context) -> Plan[Description]:
    for seconds in _POLL_SECONDS:
        description = yield from describe(table, context)
        if description is not None and description["TableStatus"] == "ACTIVE":
            return description
        yield Wait(seconds)
    raise StoreError(f"{context.names[table]} did not become active in time", operation="CreateTable", retryable=True)


def _enable_ttl(table: Table, context: Context) -> Plan[bool]:
    """Whether the TTL was turned on here; another process may be faster."""
    if table.ttl_attribute is None or (yield from ttl_attribute(table, context)) == table.ttl_attribute:
        return False
    specification = {"Enabled": True, "AttributeName": table.ttl_attribute}
    parameters = {"TableName": context.names[table], "TimeToLiveSpecification": specification}
    try:
        yield from send(Request("UpdateTimeToLive", parameters), context)
    except RequestRefusedError:
        if (yield from ttl_attribute(table, context)) != table.ttl_attribute:
            raise
        return False
    return True


def ttl_attribute(table: Table, context: Context) -> Plan[str | None]:
    """The attribute the engine expires items by; None while TTL is off."""
    response = yield from send(Request("DescribeTimeToLive", {"TableName": context.names[table]}), context)
    description = response.get("TimeToLiveDescription", {})
    on = description.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    return description.get("AttributeName") if on else None


def _is_empty(table: Table, context: Context) -> Plan[bool]:
    parameters = {"TableName": context.names[table], "Limit": 1, "ConsistentRead": True}
    response = yield from send(Request("Scan", parameters), context)
    return not response.get("Items")


def _enable_recovery(table: Table, context: Context) -> Plan[None]:
    specification = {"PointInTimeRecoveryEnabled": True}
    parameters = {"TableName": context.names[table], "PointInTimeRecoverySpecification": specification}
    for seconds in _POLL_SECONDS:
        try:
            yield from send(Request("UpdateContinuousBackups", parameters), context)
        except StoreError as error:
            # AWS answers so for some seconds after a table became active.
            if error.code != "ContinuousBackupsUnavailableException":
                raise
            yield Wait(seconds)
        else:
            return
    raise StoreError(f"{context.names[table]}: backups did not become available", operation="UpdateContinuousBackups")


def refuse_differences(table: Table, description: Description | None, context: Context) -> None:
    """Raise TableMismatchError where a table exists and is not what its definition says."""
    found = [] if description is None else list(differences(table, description))
    if found:
        raise _mismatch(context.names[table], found)


def _mismatch(name: str, found: list[str]) -> TableMismatchError:
    return TableMismatchError(
        f"{name} exists and differs; nothing was changed. {'; '.join(found)}", table=name, differences=tuple(found)
    )


def differences(table: Table, description: Description) -> Iterator[str]:
    """How a table differs from its definition, each as `what: expected x, found y`; further indexes are allowed."""
    types = {a["AttributeName"]: a["AttributeType"] for a in description.get("AttributeDefinitions", [])}
    yield from _differ("primary key", _written(table.attributes), _found(description["KeySchema"], types))
    kinds = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
    described = [index for kind in kinds for index in cast("list[Description]", description.get(kind) or [])]
    indexes = {index["IndexName"]: index for index in described}
    for index in table.indexes:
        found = indexes.get(index.name)
        if found is None:
            yield f"index {index.name}: missing"
            continue
        yield from _differ(f"index {index.name} key", _written(index.attributes), _found(found["KeySchema"], types))
        yield from _differ(
            f"index {index.name} projection", _projected(_projection(index)), _projected(found["Projection"])
        )
    if table.stream is not None:
        stream: Description = description.get("StreamSpecification") or {}
        view = stream.get("StreamViewType") if stream.get("StreamEnabled") else None
        yield from _differ("stream", table.stream, str(view or "none"))


def _differ(what: str, expected: str, found: str) -> Iterator[str]:
    if expected != found:
        yield f"{what}: expected {expected}, found {found}"


def _written(attributes: Sequence[KeyAttribute]) -> str:
    return " + ".join(f"{attribute.name} ({attribute.type})" for attribute in attributes)


def _found(schema: Sequence[Mapping[str, str]], types: Mapping[str, str]) -> str:
    ordered = sorted(schema, key=lambda part: part["KeyType"] != "HASH")
    return " + ".join(f"{part['AttributeName']} ({types.get(part['AttributeName'], '?')})" for part in ordered)


def _projected(projection: Mapping[str, Any]) -> str:
    kept = ", ".join(sorted(projection.get("NonKeyAttributes") or []))
    return f"{projection['ProjectionType']} {kept}".strip()

"""Making tables: what is missing is made, what is there is left alone, what differs is refused in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from reading_entities import watched

from aircraftops_data import GSI1, AircraftOps, CoreTable, KeyAttribute, SecondaryIndex, Table
from aircraftops_data.clock import Chance
from aircraftops_data.core.provisioning import TableOutcome, create_request, create_tables, differences
from aircraftops_data.errors import TableMismatchError
from aircraftops_data.settings import TableOptions

BY_AGE = SecondaryIndex("by_age", KeyAttribute("PK"), KeyAttribute("age", "N"), projection="KEYS_ONLY", local=True)
BY_NAME = SecondaryIndex("by_name", KeyAttribute("name"), projection=("colour", "size"))
YARD = Table("Yard", indexes=(GSI1, BY_AGE, BY_NAME), ttl_attribute="delete_at", stream="NEW_IMAGE")
PLAIN = Table("Plain", partition_key=KeyAttribute("id", "B"), sort_key=None)

Parameters = dict[str, Any]


@pytest.fixture
def core(client: Any) -> Iterator[CoreTable]:
    """An engine without the tables; what a test makes is gone after it."""
    core = CoreTable.connect(client=client, prefix=f"t{Chance().identifier()}-")
    yield core
    for table in (YARD, PLAIN):
        with suppress(client.exceptions.ResourceNotFoundException):
            client.delete_table(TableName=core.context.names[table])


def made(core: CoreTable, *tables: Table, **options: Any) -> list[str]:
    """What became of each table."""
    outcomes = core.runner.run(create_tables(tables, core.context, TableOptions(**options)))
    assert [outcome.name for outcome in outcomes] == [core.context.names[table] for table in tables]
    return [outcome.outcome for outcome in outcomes]


def wanted(core: CoreTable, table: Table = YARD) -> Parameters:
    """The CreateTable parameters of a definition, to make something else of."""
    return deepcopy(dict(create_request(table, core.context, TableOptions()).parameters))


def state(core: CoreTable, client: Any) -> tuple[Parameters, Parameters]:
    """All that the engine tells of the yard."""
    name = core.context.names[YARD]
    time_to_live = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    return client.describe_table(TableName=name)["Table"], time_to_live


def made_by_others(core: CoreTable, client: Any, parameters: Parameters, ttl_attribute: str | None) -> None:
    """A table as someone else made it."""
    client.create_table(**parameters)
    if ttl_attribute is not None:
        specification = {"Enabled": True, "AttributeName": ttl_attribute}
        client.update_time_to_live(TableName=parameters["TableName"], TimeToLiveSpecification=specification)


def test_a_missing_table_is_made_as_its_definition_says(core: CoreTable, client: Any) -> None:
    assert made(core, YARD) == ["created"]
    description, time_to_live = state(core, client)
    assert list(differences(YARD, description)) == []
    assert description["TableStatus"] == "ACTIVE"
    assert description["KeySchema"] == [
        {"AttributeName": "PK", "KeyType": "HASH"},
        {"AttributeName": "SK", "KeyType": "RANGE"},
    ]
    indexes = {index["IndexName"]: index for index in description["GlobalSecondaryIndexes"]}
    assert set(indexes) == {"GSI1", "by_name"}
    assert sorted(indexes["by_name"]["Projection"]["NonKeyAttributes"]) == ["colour", "size"]
    assert [index["IndexName"] for index in description["LocalSecondaryIndexes"]] == ["by_age"]
    assert description["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert (time_to_live["TimeToLiveStatus"], time_to_live["AttributeName"]) == ("ENABLED", "delete_at")


def test_making_tables_again_changes_nothing(core: CoreTable, client: Any) -> None:
    assert made(core, YARD, PLAIN) == ["created", "created"]
    before = state(core, client)
    core, recorder = watched(core)
    assert made(core, YARD, PLAIN) == ["unchanged", "unchanged"]
    assert state(core, client) == before
    assert set(recorder.operations) <= {"DescribeTable", "DescribeTimeToLive"}


def test_only_what_is_missing_is_made(core: CoreTable) -> None:
    assert made(core, PLAIN) == ["created"]
    assert made(core, YARD, PLAIN) == ["created", "unchanged"]


def test_an_outcome_reads_as_a_line() -> None:
    assert str(TableOutcome("CoreTable", "created")) == "CoreTable: created"


def rename(parameters: Parameters, old: str, new: str, kind: str = "S") -> None:
    """Call a key attribute otherwise, everywhere, or give it another type."""
    for attribute in parameters["AttributeDefinitions"]:
        if attribute["AttributeName"] == old:
            attribute.update(AttributeName=new, AttributeType=kind)
    for keyed in (parameters, *parameters["GlobalSecondaryIndexes"], *parameters.get("LocalSecondaryIndexes", [])):
        for part in keyed["KeySchema"]:
            part["AttributeName"] = new if part["AttributeName"] == old else part["AttributeName"]


def without_index(parameters: Parameters, name: str) -> None:
    """Leave an index out, and the key attributes nothing else uses."""
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        parameters[kind] = [index for index in parameters[kind] if index["IndexName"] != name]
    keyed = [parameters, *parameters["GlobalSecondaryIndexes"], *parameters["LocalSecondaryIndexes"]]
    used = {part["AttributeName"] for schema in keyed for part in schema["KeySchema"]}
    parameters["AttributeDefinitions"] = [a for a in parameters["AttributeDefinitions"] if a["AttributeName"] in used]
    if not parameters["LocalSecondaryIndexes"]:
        del parameters["LocalSecondaryIndexes"]


def without_sort_key(parameters: Parameters) -> None:
    """A table of one key attribute; a local index cannot be without a sort key."""
    without_index(parameters, "by_age")
    parameters["KeySchema"] = parameters["KeySchema"][:1]
    parameters["AttributeDefinitions"] = [a for a in parameters["AttributeDefinitions"] if a["AttributeName"] != "SK"]


def projecting(name: str, projection: Parameters) -> Callable[[Parameters], None]:
    """Another projection of an index."""

    def change(parameters: Parameters) -> None:
        for index in parameters["GlobalSecondaryIndexes"]:
            if index["IndexName"] == name:
                index["Projection"] = projection

    return change


def streaming(specification: Parameters) -> Callable[[Parameters], None]:
    """Another stream."""
    return lambda parameters: parameters.update(StreamSpecification=specification)


KEYS = "PK (S) + SK (S)"
DIFFERENT: dict[str, tuple[Callable[[Parameters], None], str]] = {
    "name of the partition key": (
        lambda parameters: rename(parameters, "PK", "pk"),
        f"primary key: expected {KEYS}, found pk (S) + SK (S)",
    ),
    "type of the sort key": (
        lambda parameters: rename(parameters, "SK", "SK", "N"),
        f"primary key: expected {KEYS}, found PK (S) + SK (N)",
    ),
    "no sort key": (without_sort_key, f"primary key: expected {KEYS}, found PK (S)"),
    "a global index missing": (lambda parameters: without_index(parameters, "GSI1"), "index GSI1: missing"),
    "a local index missing": (lambda parameters: without_index(parameters, "by_age"), "index by_age: missing"),
    "key of an index": (
        lambda parameters: rename(parameters, "GSI1SK", "other"),
        "index GSI1 key: expected GSI1PK (S) + GSI1SK (S), found GSI1PK (S) + other (S)",
    ),
    "type of an index key": (
        lambda parameters: rename(parameters, "name", "name", "N"),
        "index by_name key: expected name (S), found name (N)",
    ),
    "projection of an index": (
        projecting("GSI1", {"ProjectionType": "KEYS_ONLY"}),
        "index GSI1 projection: expected ALL, found KEYS_ONLY",
    ),
    "attributes of an index": (
        projecting("by_name", {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["size"]}),
        "index by_name projection: expected INCLUDE colour, size, found INCLUDE size",
    ),
    "no stream": (lambda parameters: parameters.pop("StreamSpecification"), "stream: expected NEW_IMAGE, found none"),
    "another stream": (
        streaming({"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}),
        "stream: expected NEW_IMAGE, found KEYS_ONLY",
    ),
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_a_table_that_differs_is_refused_and_left_as_it_is(core: CoreTable, client: Any, kind: str) -> None:
    change, difference = DIFFERENT[kind]
    parameters = wanted(core)
    change(parameters)
    made_by_others(core, client, parameters, "delete_at")
    before = state(core, client)
    core, recorder = watched(core)
    with pytest.raises(TableMismatchError) as refused:
        made(core, PLAIN, YARD)
    assert difference in refused.value.differences
    assert refused.value.table == core.context.names[YARD]
    assert difference in str(refused.value)
    assert state(core, client) == before
    assert set(recorder.operations) <= {"DescribeTable", "DescribeTimeToLive", "Scan"}


def test_another_expiry_attribute_is_refused_before_any_table_is_made(core: CoreTable, client: Any) -> None:
    made_by_others(core, client, wanted(core), "other")
    before = state(core, client)
    core, recorder = watched(core)
    with pytest.raises(TableMismatchError, match="TTL attribute: expected 'delete_at', found 'other'"):
        made(core, PLAIN, YARD)
    assert state(core, client) == before
    assert set(recorder.operations) <= {"DescribeTable", "DescribeTimeToLive", "Scan"}


def test_every_difference_is_told_at_once(core: CoreTable, client: Any) -> None:
    parameters = wanted(core)
    rename(parameters, "PK", "pk")
    projecting("GSI1", {"ProjectionType": "KEYS_ONLY"})(parameters)
    del parameters["StreamSpecification"]
    made_by_others(core, client, parameters, None)
    with pytest.raises(TableMismatchError) as refused:
        made(core, YARD)
    assert len(refused.value.differences) == 4


def test_an_index_more_than_the_definition_has_is_no_difference(core: CoreTable, client: Any) -> None:
    parameters = wanted(core)
    more = {**parameters["GlobalSecondaryIndexes"][0], "IndexName": "one_more"}
    parameters["GlobalSecondaryIndexes"].append(more)
    made_by_others(core, client, parameters, "delete_at")
    assert made(core, YARD) == ["unchanged"]


def test_an_interrupted_creation_is_completed_while_nothing_is_in_it(core: CoreTable, client: Any) -> None:
    made_by_others(core, client, wanted(core), None)
    assert made(core, YARD) == ["completed"]
    assert state(core, client)[1]["AttributeName"] == "delete_at"
    assert made(core, YARD) == ["unchanged"]


def test_a_table_in_use_without_expiry_is_refused(core: CoreTable, client: Any) -> None:
    made_by_others(core, client, wanted(core), None)
    client.put_item(TableName=core.context.names[YARD], Item={"PK": {"S": "p"}, "SK": {"S": "s"}})
    with pytest.raises(TableMismatchError, match="TTL attribute: expected 'delete_at', found None"):
        made(core, YARD)
    assert state(core, client)[1]["TimeToLiveStatus"] == "DISABLED"


def test_provisioned_tables_have_units_on_table_and_indexes(core: CoreTable, client: Any) -> None:
    made(core, YARD, billing_mode="PROVISIONED", read_units=3, write_units=2)
    description = state(core, client)[0]
    for described in (description, *description["GlobalSecondaryIndexes"]):
        units = described["ProvisionedThroughput"]
        assert (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == (3, 2)
    assert made(core, YARD) == ["unchanged"]


@pytest.mark.parametrize("engine", ["moto"], indirect=True)
def test_tags_are_put_on_the_table(core: CoreTable, client: Any) -> None:
    made(core, YARD, tags={"team": "ops", "stage": "test"})
    arn = state(core, client)[0]["TableArn"]
    tags = {tag["Key"]: tag["Value"] for tag in client.list_tags_of_resource(ResourceArn=arn)["Tags"]}
    assert tags == {"team": "ops", "stage": "test"}


def test_deletion_protection_is_turned_on(core: CoreTable, client: Any) -> None:
    made(core, YARD, deletion_protection=True)
    assert state(core, client)[0]["DeletionProtectionEnabled"] is True
    client.update_table(TableName=core.context.names[YARD], DeletionProtectionEnabled=False)


@pytest.mark.parametrize("engine", ["moto"], indirect=True)
def test_a_key_of_ones_own_encrypts_the_table(core: CoreTable, client: Any) -> None:
    made(core, YARD, kms_key="alias/fleet")
    assert state(core, client)[0]["SSEDescription"]["SSEType"] == "KMS"


def recovery(core: CoreTable, client: Any) -> str:
    """Whether the yard can be restored to a point in time."""
    backups = client.describe_continuous_backups(TableName=core.context.names[YARD])["ContinuousBackupsDescription"]
    status: str = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    return status


@pytest.mark.parametrize("engine", ["moto"], indirect=True)
@pytest.mark.parametrize("interrupted", [False, True])
def test_point_in_time_recovery_is_turned_on(core: CoreTable, client: Any, interrupted: bool) -> None:
    if interrupted:
        made_by_others(core, client, wanted(core), None)
    made(core, YARD, point_in_time_recovery=True)
    assert recovery(core, client) == "ENABLED"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local"], indirect=True)
def test_many_may_make_the_same_tables_at_once(core: CoreTable, client: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = [future.result() for future in [pool.submit(made, core, YARD, PLAIN) for _ in range(8)]]
    assert sum(outcome == "created" for one in outcomes for outcome in one) == 2
    assert list(differences(YARD, state(core, client)[0])) == []
    assert state(core, client)[1]["TimeToLiveStatus"] == "ENABLED"
    assert made(core, YARD, PLAIN) == ["unchanged", "unchanged"]


def test_the_three_tables_are_made_under_their_names(client: Any) -> None:
    prefix = f"t{Chance().identifier()}-"
    ops = AircraftOps.connect(client=client, prefix=prefix, jobs_table=f"{prefix}my-jobs")
    names = [f"{prefix}CoreTable", f"{prefix}my-jobs", f"{prefix}AuditEventsTable"]
    try:
        assert ops.table_names() == names
        assert [str(outcome) for outcome in ops.create_tables()] == [f"{name}: created" for name in names]
        assert [str(outcome) for outcome in ops.create_tables()] == [f"{name}: unchanged" for name in names]
    finally:
        for name in names:
            client.delete_table(TableName=name)


@pytest.mark.parametrize("engine", ["moto"], indirect=True)
def test_options_of_the_settings_reach_the_tables(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRCRAFTOPS_PREFIX", prefix := f"t{Chance().identifier()}-")
    monkeypatch.setenv("AIRCRAFTOPS_TAGS", "team=ops")
    ops = AircraftOps.connect(client=client)
    ops.create_tables()
    try:
        arn = client.describe_table(TableName=f"{prefix}CoreTable")["Table"]["TableArn"]
        assert client.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ops"}]
    finally:
        for name in ops.table_names():
            client.delete_table(TableName=name)

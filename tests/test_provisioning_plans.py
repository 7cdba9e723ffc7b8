"""Making tables as a plan: what is missing is made, what differs is refused, what was interrupted is completed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from aircraftops_data import GSI1, KeyAttribute, SecondaryIndex, Table
from aircraftops_data.core.provisioning import TableOutcome, create_request, create_tables, differences
from aircraftops_data.errors import (
    AccessDeniedError,
    RequestRefusedError,
    StoreError,
    TableMismatchError,
    TableMissingError,
    TimeoutError,
)
from aircraftops_data.model.schema import TABLES
from aircraftops_data.settings import TableOptions
from playing import Answer, Stage, context

INCLUDING = SecondaryIndex("I", KeyAttribute("IPK"), KeyAttribute("at", "N"), ("b", "a"))
LOCAL = SecondaryIndex("L", KeyAttribute("PK"), KeyAttribute("LSK"), "KEYS_ONLY", local=True)
ONE = Table("One", indexes=(GSI1, INCLUDING, LOCAL), ttl_attribute="ttl", stream="NEW_IMAGE")
TWO = Table("Two", sort_key=None)
MISSING = TableMissingError("no table")
IN_USE = RequestRefusedError("in use", code="ResourceInUseException")
ON = {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}}
TURNING_ON = {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLING", "AttributeName": "ttl"}}
OFF = {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
EMPTY: Mapping[str, Any] = {"Items": []}


def described(table: Table, status: str = "ACTIVE", **changes: Any) -> dict[str, Any]:
    """What DescribeTable says of a table that was made as defined, but for the changes."""
    made = dict(create_request(table, context(), TableOptions()).parameters)
    return {"Table": {**made, "TableStatus": status, **changes}}


@pytest.fixture
def stage() -> Stage:
    """Where a plan is played."""
    return Stage()


def outcomes(stage: Stage, tables: list[Table], *answers: Answer, **options: Any) -> list[str]:
    """What becomes of tables when the engine answers so."""
    plan = create_tables(tables, context(), TableOptions(**options))
    return [str(outcome) for outcome in stage.play(plan, *answers)]


def test_a_missing_table_is_made_and_waited_for(stage: Stage) -> None:
    making = described(ONE, "CREATING")
    found = outcomes(stage, [ONE], MISSING, {}, making, MISSING, making, described(ONE), OFF, {})
    assert found == ["t-One: created"]
    assert stage.operations == [
        "DescribeTable",
        "CreateTable",
        *["DescribeTable"] * 4,
        "DescribeTimeToLive",
        "UpdateTimeToLive",
    ]
    assert stage.requests[-1].parameters == {
        "TableName": "t-One",
        "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "ttl"},
    }
    assert len(stage.waits) == 3
    assert stage.waits == sorted(stage.waits)


def test_a_table_that_is_as_defined_is_left_as_it_is(stage: Stage) -> None:
    assert outcomes(stage, [TWO], described(TWO), described(TWO)) == ["t-Two: unchanged"]
    assert set(stage.operations) == {"DescribeTable"}


@pytest.mark.parametrize("ttl", [ON, TURNING_ON])
def test_a_table_whose_ttl_is_on_is_left_as_it_is(stage: Stage, ttl: Any) -> None:
    assert outcomes(stage, [ONE], described(ONE), ttl, described(ONE)) == ["t-One: unchanged"]
    assert set(stage.operations) == {"DescribeTable", "DescribeTimeToLive"}


def test_an_interrupted_creation_is_completed(stage: Stage) -> None:
    found = outcomes(stage, [ONE], described(ONE), OFF, EMPTY, described(ONE), OFF, {})
    assert found == ["t-One: completed"]
    assert stage.operations[-1] == "UpdateTimeToLive"


def test_a_table_that_is_still_being_made_is_waited_for_and_completed(stage: Stage) -> None:
    found = outcomes(stage, [ONE], described(ONE, "CREATING"), described(ONE, "CREATING"), described(ONE), OFF, {})
    assert found == ["t-One: completed"]


def test_a_table_in_use_without_ttl_is_not_changed(stage: Stage) -> None:
    with pytest.raises(TableMismatchError, match="TTL attribute: expected 'ttl', found None") as caught:
        outcomes(stage, [ONE], described(ONE), OFF, {"Items": [{"PK": {"S": "Amelia"}}]})
    assert caught.value.table == "t-One"
    assert "Amelia" not in str(caught.value)
    assert "UpdateTimeToLive" not in stage.operations


def test_another_ttl_attribute_is_a_mismatch(stage: Stage) -> None:
    other = {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "theirs"}}
    with pytest.raises(TableMismatchError, match="expected 'ttl', found 'theirs'"):
        outcomes(stage, [ONE], described(ONE), other)


def test_every_table_is_looked_at_before_any_is_made(stage: Stage) -> None:
    wrong = described(ONE, KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}])
    with pytest.raises(TableMismatchError) as caught:
        outcomes(stage, [TWO, ONE], MISSING, wrong)
    assert caught.value.table == "t-One"
    assert "CreateTable" not in stage.operations


# Others at the same time


def test_another_process_may_make_the_table_first(stage: Stage) -> None:
    assert outcomes(stage, [ONE], MISSING, IN_USE, described(ONE, "CREATING"), described(ONE), ON) == [
        "t-One: unchanged"
    ]


def test_a_table_another_process_made_otherwise_is_a_mismatch(stage: Stage) -> None:
    wrong = described(ONE, StreamSpecification={"StreamEnabled": False})
    with pytest.raises(TableMismatchError, match="stream: expected NEW_IMAGE, found none"):
        outcomes(stage, [ONE], MISSING, IN_USE, wrong)


def test_another_process_may_turn_ttl_on_first(stage: Stage) -> None:
    taken = RequestRefusedError("TTL is already enabled", code="ValidationException")
    assert outcomes(stage, [ONE], MISSING, {}, described(ONE), OFF, taken, TURNING_ON) == ["t-One: created"]


def test_a_ttl_that_cannot_be_turned_on_is_told(stage: Stage) -> None:
    no = RequestRefusedError("wrong", code="ValidationException")
    with pytest.raises(RequestRefusedError, match="wrong"):
        outcomes(stage, [ONE], MISSING, {}, described(ONE), OFF, no, OFF)


@pytest.mark.parametrize("error", [AccessDeniedError("no"), RequestRefusedError("no", code="ValidationException")])
def test_a_table_that_cannot_be_made_is_told(stage: Stage, error: Any) -> None:
    with pytest.raises(type(error)):
        outcomes(stage, [TWO], MISSING, error)


def test_a_creation_whose_answer_was_lost_goes_on(stage: Stage) -> None:
    lost = TimeoutError("lost", retryable=True)
    outcomes(stage, [TWO], MISSING, lost, IN_USE, described(TWO))
    assert stage.operations == ["DescribeTable", "CreateTable", "CreateTable", "DescribeTable"]
    assert stage.requests[1] == stage.requests[2]


def test_a_table_that_never_becomes_active_is_told(stage: Stage) -> None:
    with pytest.raises(StoreError, match="t-Two did not become active in time") as caught:
        outcomes(stage, [TWO], *[described(TWO, "CREATING")] * 1000)
    assert caught.value.retryable
    assert 60 < sum(stage.waits) < 3600


# Options


def test_recovery_is_turned_on_before_the_ttl_that_tells_a_finished_table(stage: Stage) -> None:
    later = StoreError("not yet", code="ContinuousBackupsUnavailableException", retryable=True)
    answers = (MISSING, {}, described(ONE), later, later, later, {}, OFF, {})
    found = outcomes(stage, [ONE], *answers, point_in_time_recovery=True)
    assert found == ["t-One: created"]
    assert stage.operations[3:] == [*["UpdateContinuousBackups"] * 4, "DescribeTimeToLive", "UpdateTimeToLive"]
    assert stage.sent(3) == {
        "TableName": "t-One",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    }


def test_how_a_table_is_asked_for() -> None:
    assert create_request(ONE, context(), TableOptions()).parameters == {
        "TableName": "t-One",
        "AttributeDefinitions": [
            {"AttributeName": "PK", "AttributeType": "S"},
            {"AttributeName": "SK", "AttributeType": "S"},
            {"AttributeName": "GSI1PK", "AttributeType": "S"},
            {"AttributeName": "GSI1SK", "AttributeType": "S"},
            {"AttributeName": "IPK", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
            {"AttributeName": "LSK", "AttributeType": "S"},
        ],
        "KeySchema": keyed("PK", "SK"),
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [
            {"IndexName": "GSI1", "KeySchema": keyed("GSI1PK", "GSI1SK"), "Projection": {"ProjectionType": "ALL"}},
            {
                "IndexName": "I",
                "KeySchema": keyed("IPK", "at"),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["b", "a"]},
            },
        ],
        "LocalSecondaryIndexes": [
            {"IndexName": "L", "KeySchema": keyed("PK", "LSK"), "Projection": {"ProjectionType": "KEYS_ONLY"}}
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    }


def keyed(partition: str, sort: str) -> list[dict[str, str]]:
    """A key schema."""
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def test_options_are_asked_for_as_the_engine_calls_them() -> None:
    options = TableOptions(
        billing_mode="PROVISIONED",
        read_units=3,
        write_units=4,
        deletion_protection=True,
        kms_key="alias/data",
        tags={"team": "ops"},
    )
    asked = create_request(ONE, context(), options).parameters
    units = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}
    assert asked["ProvisionedThroughput"] == units
    assert [index["ProvisionedThroughput"] for index in asked["GlobalSecondaryIndexes"]] == [units, units]
    assert "ProvisionedThroughput" not in asked["LocalSecondaryIndexes"][0]
    assert asked["DeletionProtectionEnabled"] is True
    assert asked["SSESpecification"] == {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/data"}
    assert asked["Tags"] == [{"Key": "team", "Value": "ops"}]


@pytest.mark.parametrize("table", [*TABLES, ONE, TWO], ids=lambda table: table.name)
def test_a_table_made_as_defined_does_not_differ(table: Table) -> None:
    assert list(differences(table, described(table)["Table"])) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"KeySchema": keyed("PK", "sk")}, "primary key: expected PK (S) + SK (S), found PK (S) + sk (?)"),
        ({"KeySchema": keyed("PK", "SK")[:1]}, "primary key: expected PK (S) + SK (S), found PK (S)"),
        ({"GlobalSecondaryIndexes": []}, "index GSI1: missing"),
        ({"LocalSecondaryIndexes": None}, "index L: missing"),
        ({"StreamSpecification": None}, "stream: expected NEW_IMAGE, found none"),
        (
            {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}},
            "stream: expected NEW_IMAGE, found KEYS_ONLY",
        ),
    ],
)
def test_how_a_table_differs_is_told(changes: dict[str, Any], told: str) -> None:
    assert told in list(differences(ONE, described(ONE, **changes)["Table"]))


def test_how_an_index_differs_is_told() -> None:
    description = described(ONE)["Table"]
    first, second = description["GlobalSecondaryIndexes"]
    only_a = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]}
    changed = [
        {**first, "Projection": {"ProjectionType": "KEYS_ONLY"}},
        {**second, "KeySchema": keyed("IPK", "SK"), "Projection": only_a},
    ]
    assert list(differences(ONE, {**description, "GlobalSecondaryIndexes": changed})) == [
        "index GSI1 projection: expected ALL, found KEYS_ONLY",
        "index I key: expected IPK (S) + at (N), found IPK (S) + SK (S)",
        "index I projection: expected INCLUDE a, b, found INCLUDE a",
    ]


def test_the_order_in_which_the_engine_tells_things_does_not_matter() -> None:
    description = described(ONE)["Table"]
    turned = {
        **description,
        "KeySchema": description["KeySchema"][::-1],
        "GlobalSecondaryIndexes": description["GlobalSecondaryIndexes"][::-1],
        "AttributeDefinitions": description["AttributeDefinitions"][::-1],
    }
    assert list(differences(ONE, turned)) == []


def test_indexes_others_added_are_no_difference() -> None:
    description = described(ONE)["Table"]
    more = [*description["GlobalSecondaryIndexes"], {**description["GlobalSecondaryIndexes"][0], "IndexName": "Theirs"}]
    assert list(differences(ONE, {**description, "GlobalSecondaryIndexes": more})) == []


def test_an_outcome_says_what_became_of_which_table() -> None:
    assert str(TableOutcome("t-One", "created")) == "t-One: created"

"""The three tables declared a second time, as pynamodb models: both ways ask for the same tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.constants import DESCRIBE_TABLE, PAY_PER_REQUEST_BILLING_MODE, PROVISIONED_BILLING_MODE
from pynamodb.exceptions import TableDoesNotExist
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from reading_entities import watched

from aircraftops_data import AUDIT_EVENTS, CORE, JOBS, CoreTable, Table
from aircraftops_data.core.context import Context
from aircraftops_data.core.provisioning import create_request, create_tables
from aircraftops_data.settings import TableOptions

Connect = Callable[..., CoreTable]
Parameters = dict[str, Any]


def index(number: int) -> type[GlobalSecondaryIndex[Any]]:
    """An overloaded index, as pynamodb declares one."""

    class Overloaded(GlobalSecondaryIndex[Any]):
        class Meta:
            index_name = f"GSI{number}"
            projection = AllProjection()
            read_capacity_units = 5
            write_capacity_units = 4

        pk = UnicodeAttribute(hash_key=True, attr_name=f"GSI{number}PK")
        sk = UnicodeAttribute(range_key=True, attr_name=f"GSI{number}SK")

    return Overloaded


class CoreModel(Model):
    """CoreTable."""

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride] - pynamodb's way
        table_name = "CoreTable"
        stream_view_type = "NEW_AND_OLD_IMAGES"

    pk = UnicodeAttribute(hash_key=True, attr_name="PK")
    sk = UnicodeAttribute(range_key=True, attr_name="SK")
    delete_at = TTLAttribute(null=True)
    gsi1, gsi2, gsi3 = index(1)(), index(2)(), index(3)()


class JobsModel(Model):
    """JobsTable."""

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride] - pynamodb's way
        table_name = "JobsTable"

    pk = UnicodeAttribute(hash_key=True, attr_name="PK")
    sk = UnicodeAttribute(range_key=True, attr_name="SK")
    ttl = TTLAttribute(null=True)
    gsi1 = index(1)()


class AuditEventsModel(Model):
    """AuditEventsTable."""

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride] - pynamodb's way
        table_name = "AuditEventsTable"
        stream_view_type = "NEW_IMAGE"

    pk = UnicodeAttribute(hash_key=True, attr_name="PK")
    sk = UnicodeAttribute(range_key=True, attr_name="SK")
    expires_at = TTLAttribute(null=True)
    gsi1, gsi2, gsi3 = index(1)(), index(2)(), index(3)()


TABLES = [(CORE, CoreModel), (JOBS, JobsModel), (AUDIT_EVENTS, AuditEventsModel)]


def comparable(parameters: Parameters) -> Parameters:
    """Parameters with what has no order of its own put in one, and defaults spelled out."""
    return {
        **parameters,
        "BillingMode": parameters.get("BillingMode", "PROVISIONED"),
        "AttributeDefinitions": sorted(parameters["AttributeDefinitions"], key=lambda a: a["AttributeName"]),
        "GlobalSecondaryIndexes": sorted(parameters["GlobalSecondaryIndexes"], key=lambda i: i["IndexName"]),
    }


def sent_by_pynamodb(model: type[Model], monkeypatch: pytest.MonkeyPatch, **options: Any) -> dict[str, Parameters]:
    """What pynamodb would send to make the model's table."""
    sent: dict[str, Parameters] = {}

    def dispatch(_: Connection, operation: str, parameters: Parameters) -> Parameters:
        if operation == DESCRIBE_TABLE:
            raise TableDoesNotExist(parameters["TableName"])
        sent[operation] = parameters
        return {}

    monkeypatch.setattr(Connection, "dispatch", dispatch)
    model.create_table(**options)
    return sent


@pytest.mark.parametrize(("table", "model"), TABLES, ids=lambda one: getattr(one, "name", ""))
def test_a_table_on_demand_is_asked_for_alike(
    table: Table, model: type[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = sent_by_pynamodb(model, monkeypatch, billing_mode=PAY_PER_REQUEST_BILLING_MODE)["CreateTable"]
    ours = create_request(table, Context(), TableOptions()).parameters
    assert comparable(dict(ours)) == comparable(theirs)


@pytest.mark.parametrize(("table", "model"), TABLES, ids=lambda one: getattr(one, "name", ""))
def test_a_provisioned_table_is_asked_for_alike(
    table: Table, model: type[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = sent_by_pynamodb(
        model, monkeypatch, billing_mode=PROVISIONED_BILLING_MODE, read_capacity_units=5, write_capacity_units=4
    )["CreateTable"]
    options = TableOptions(billing_mode="PROVISIONED", read_units=5, write_units=4)
    assert comparable(dict(create_request(table, Context(), options).parameters)) == comparable(theirs)


@pytest.mark.parametrize("engine", ["moto"], indirect=True)
@pytest.mark.parametrize(("table", "model"), TABLES, ids=lambda one: getattr(one, "name", ""))
def test_expiry_is_turned_on_alike(
    connect: Connect, table: Table, model: type[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    core, recorder = watched(connect())
    core.runner.run(create_tables([table], core.context, TableOptions()))
    ours = next(dict(one.parameters) for one in recorder.requests if one.operation == "UpdateTimeToLive")
    theirs = sent_by_pynamodb(model, monkeypatch, billing_mode=PAY_PER_REQUEST_BILLING_MODE)["UpdateTimeToLive"]
    assert ours == {**theirs, "TableName": core.context.names[table]}

"""Settings: every field as an argument and as a variable, wrong values told by the variable's name."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from aircraftops_data import CORE, CoreTable, Settings
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.testing import local_session
from aircraftops_data.transports.botocore import dynamodb_client
from aircraftops_data.transports.endpoint import endpoint_of

# Every variable, a value for it, and what the field is then.
VARIABLES: dict[str, tuple[str, Any]] = {
    "AIRCRAFTOPS_PREFIX": ("prod-", "prod-"),
    "AIRCRAFTOPS_CORE_TABLE": ("my-core", "my-core"),
    "AIRCRAFTOPS_JOBS_TABLE": ("my.jobs", "my.jobs"),
    "AIRCRAFTOPS_AUDIT_EVENTS_TABLE": ("my_audit", "my_audit"),
    "AIRCRAFTOPS_ENDPOINT_URL": ("http://localhost:1", "http://localhost:1"),
    "AIRCRAFTOPS_BILLING_MODE": ("PROVISIONED", "PROVISIONED"),
    "AIRCRAFTOPS_READ_UNITS": ("5", 5),
    "AIRCRAFTOPS_WRITE_UNITS": ("4", 4),
    "AIRCRAFTOPS_POINT_IN_TIME_RECOVERY": ("true", True),
    "AIRCRAFTOPS_DELETION_PROTECTION": ("1", True),
    "AIRCRAFTOPS_KMS_KEY": ("alias/fleet", "alias/fleet"),
    "AIRCRAFTOPS_TAGS": ("team=ops, stage = test,equation=a=b", {"team": "ops", "stage": "test", "equation": "a=b"}),
    "AIRCRAFTOPS_HISTORY_TABLE": ("changes", "changes"),
    "AIRCRAFTOPS_LOCK_TABLE": ("locks", "locks"),
    "AIRCRAFTOPS_AUTO_CREATE": ("false", False),
    "AIRCRAFTOPS_JOBS_BUCKET": ("big-jobs", "big-jobs"),
    "AIRCRAFTOPS_REGION": ("eu-central-1", "eu-central-1"),
    "AIRCRAFTOPS_CURSOR_SECRET": ("hush", "hush"),
    "AIRCRAFTOPS_AUDIT_ENABLED": ("false", False),
    "AIRCRAFTOPS_AUDIT_TTL_SECONDS": ("86400", 86400),
    "AIRCRAFTOPS_AUDIT_STORE_PAYLOAD": ("false", False),
    "AIRCRAFTOPS_AUDIT_HASH_CHAIN": ("true", True),
    "AIRCRAFTOPS_AUDIT_SECRETS": ("refuse", "refuse"),
}


def field(variable: str) -> str:
    """The field a variable sets."""
    return variable.removeprefix("AIRCRAFTOPS_").lower()


def test_every_field_has_a_variable() -> None:
    assert {field(variable) for variable in VARIABLES} == set(Settings.model_fields)
    settings = Settings.from_environment({variable: text for variable, (text, _) in VARIABLES.items()})
    found = {**dict(settings), "cursor_secret": settings.cursor_secret.get_secret_value()}
    assert found == {field(variable): value for variable, (_, value) in VARIABLES.items()}


def test_nothing_set_means_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment(dict.fromkeys(VARIABLES, "")) == Settings()
    assert Settings.from_environment({"AIRCRAFTOPS_SOMETHING_ELSE": "x", "PREFIX": "x"}) == Settings()


def test_the_processs_own_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRCRAFTOPS_PREFIX", "from-process-")
    assert Settings.from_environment().prefix == "from-process-"
    assert CoreTable.connect(session=local_session()).context.names[CORE] == "from-process-CoreTable"


def test_an_argument_goes_before_its_variable_unless_it_is_none() -> None:
    environment = {"AIRCRAFTOPS_PREFIX": "variable-", "AIRCRAFTOPS_CORE_TABLE": "variable"}
    settings = Settings.from_environment(environment, prefix="argument-", core_table=None)
    assert (settings.prefix, settings.core_table) == ("argument-", "variable")


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("AIRCRAFTOPS_PREFIX", "no spaces "),
        ("AIRCRAFTOPS_CORE_TABLE", "no/slashes"),
        ("AIRCRAFTOPS_JOBS_TABLE", "ab"),
        ("AIRCRAFTOPS_AUDIT_EVENTS_TABLE", "é" * 5),
        ("AIRCRAFTOPS_BILLING_MODE", "FREE"),
        ("AIRCRAFTOPS_READ_UNITS", "many"),
        ("AIRCRAFTOPS_READ_UNITS", "0"),
        ("AIRCRAFTOPS_WRITE_UNITS", "-1"),
        ("AIRCRAFTOPS_POINT_IN_TIME_RECOVERY", "perhaps"),
        ("AIRCRAFTOPS_DELETION_PROTECTION", "2"),
        ("AIRCRAFTOPS_TAGS", "team"),
        ("AIRCRAFTOPS_TAGS", "team=ops,stage"),
    ],
)
def test_a_wrong_value_is_told_by_the_name_of_its_variable(variable: str, text: str) -> None:
    with pytest.raises(InvalidInputError, match=variable):
        Settings.from_environment({variable: text})


def test_units_and_provisioned_go_together() -> None:
    for environment in (
        {"AIRCRAFTOPS_BILLING_MODE": "PROVISIONED"},
        {"AIRCRAFTOPS_BILLING_MODE": "PROVISIONED", "AIRCRAFTOPS_WRITE_UNITS": "5"},
    ):
        with pytest.raises(InvalidInputError, match="AIRCRAFTOPS_READ_UNITS"):
            Settings.from_environment(environment)
    with pytest.raises(InvalidInputError, match="AIRCRAFTOPS_BILLING_MODE"):
        Settings.from_environment({"AIRCRAFTOPS_READ_UNITS": "5", "AIRCRAFTOPS_WRITE_UNITS": "5"})


def test_every_wrong_value_is_told_at_once() -> None:
    with pytest.raises(InvalidInputError, match=r"AIRCRAFTOPS_READ_UNITS.*AIRCRAFTOPS_TAGS"):
        Settings.from_environment({"AIRCRAFTOPS_READ_UNITS": "many", "AIRCRAFTOPS_TAGS": "team"})


def test_a_setting_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="PREFX"):
        Settings.from_environment({}, prefx="x")


def test_the_secret_is_not_shown() -> None:
    settings = Settings.from_environment({"AIRCRAFTOPS_CURSOR_SECRET": "hush"})
    assert "hush" not in repr(settings) + str(settings)
    assert "hush" not in repr(CoreTable.connect(session=local_session(), cursor_secret="hush").runner)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().prefix = "x"


def test_the_region_of_the_settings_is_that_of_every_transport() -> None:
    assert dynamodb_client(local_session(), region="eu-central-1").meta.region_name == "eu-central-1"
    assert endpoint_of(local_session(), region="eu-central-1").region == "eu-central-1"
    with pytest.raises(InvalidInputError, match="region"):
        CoreTable.connect(client=object(), region="eu-central-1")

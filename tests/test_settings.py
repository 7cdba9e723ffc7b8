"""Settings: by argument, else from the environment, else the default; a wrong one is told by its variable."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from pydantic import ValidationError

from aircraftops_data import CORE, JOBS, Settings
from aircraftops_data.core.context import TableNames
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.settings import PREFIX, TableOptions


def settings(environment: dict[str, str] | None = None, **given: object) -> Settings:
    """Settings from an environment that holds only these variables, without their common beginning."""
    named = {PREFIX + name: value for name, value in (environment or {}).items()}
    return Settings.from_environment(named, **given)


def test_without_anything_the_defaults_hold() -> None:
    assert settings() == Settings()
    assert (settings().prefix, settings().billing_mode, settings().endpoint_url) == ("", "PAY_PER_REQUEST", None)


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("PREFIX", "prod-", "prod-"),
        ("CORE_TABLE", "TheirCore", "TheirCore"),
        ("JOBS_TABLE", "TheirJobs", "TheirJobs"),
        ("AUDIT_EVENTS_TABLE", "TheirAudit", "TheirAudit"),
        ("ENDPOINT_URL", "http://localhost:8000", "http://localhost:8000"),
        ("POINT_IN_TIME_RECOVERY", "true", True),
        ("DELETION_PROTECTION", "1", True),
        ("KMS_KEY", "alias/data", "alias/data"),
        ("TAGS", "team=ops, env=prod", {"team": "ops", "env": "prod"}),
        ("TAGS", "empty=", {"empty": ""}),
        ("TAGS", "a=b=c", {"a": "b=c"}),
    ],
)
def test_a_variable_sets_what_it_names(variable: str, text: str, value: Any) -> None:
    assert getattr(settings({variable: text}), variable.lower()) == value


def test_provisioned_units_come_from_the_environment_too() -> None:
    found = settings({"BILLING_MODE": "PROVISIONED", "READ_UNITS": "5", "WRITE_UNITS": "7"})
    assert (found.billing_mode, found.read_units, found.write_units) == ("PROVISIONED", 5, 7)


def test_an_argument_goes_before_a_variable_and_none_does_not() -> None:
    assert settings({"PREFIX": "env-"}, prefix="arg-").prefix == "arg-"
    assert settings({"PREFIX": "env-"}, prefix=None).prefix == "env-"
    assert settings({"PREFIX": "env-"}, prefix="").prefix == ""


def test_an_empty_variable_is_no_variable() -> None:
    assert settings({"PREFIX": "", "ENDPOINT_URL": "", "TAGS": ""}) == Settings()


def test_variables_of_others_are_passed_over() -> None:
    assert Settings.from_environment({"PREFIX": "x", "AWS_PREFIX": "x", "AIRCRAFTOPS_UNKNOWN": "x"}) == Settings()


def test_the_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRCRAFTOPS_PREFIX", "from-process-")
    assert Settings.from_environment().prefix == "from-process-"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"PREFIX": "a b"}, "AIRCRAFTOPS_PREFIX"),
        ({"PREFIX": "a\n"}, "AIRCRAFTOPS_PREFIX"),
        ({"BILLING_MODE": "FREE"}, "AIRCRAFTOPS_BILLING_MODE"),
        ({"READ_UNITS": "many"}, "AIRCRAFTOPS_READ_UNITS"),
        ({"READ_UNITS": "0"}, "AIRCRAFTOPS_READ_UNITS"),
        ({"DELETION_PROTECTION": "perhaps"}, "AIRCRAFTOPS_DELETION_PROTECTION"),
        ({"TAGS": "team"}, "AIRCRAFTOPS_TAGS"),
        ({"BILLING_MODE": "PROVISIONED"}, "read_units and write_units"),
        ({"BILLING_MODE": "PROVISIONED", "READ_UNITS": "5"}, "read_units and write_units"),
        ({"READ_UNITS": "5", "WRITE_UNITS": "5"}, "are for PROVISIONED"),
        ({"CORE_TABLE": "no spaces please"}, "AIRCRAFTOPS_CORE_TABLE"),
        ({"CORE_TABLE": "ab"}, "AIRCRAFTOPS_CORE_TABLE"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(environment: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        settings(environment)


def test_several_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(InvalidInputError, match=r"AIRCRAFTOPS_READ_UNITS.*AIRCRAFTOPS_TAGS"):
        settings({"READ_UNITS": "many", "TAGS": "team"})


def test_an_argument_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="PREFIXX"):
        settings(prefixx="a")


def test_the_cursor_secret_is_never_shown() -> None:
    secret = "x" * 9
    found = settings({"CURSOR_SECRET": secret})
    assert found.cursor_secret.get_secret_value() == secret
    assert secret not in repr(found) + str(found)
    with pytest.raises(InvalidInputError) as caught:
        settings({"CURSOR_SECRET": secret, "READ_UNITS": "many"})
    assert secret not in "".join(traceback.format_exception(caught.value))


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().prefix = "a"  # type: ignore[misc]


def test_table_names_are_prefixed_unless_given_in_full() -> None:
    known = settings({"PREFIX": "prod-", "JOBS_TABLE": "TheirJobs"})
    names = TableNames(known.prefix, known.overrides())
    assert (names[CORE], names[JOBS]) == ("prod-CoreTable", "TheirJobs")
    assert Settings().overrides() == {}


def test_options_of_tables_stand_alone() -> None:
    options = TableOptions(billing_mode="PROVISIONED", read_units=1, write_units=2, tags={"a": "b"})
    assert options.tags == {"a": "b"}
    with pytest.raises(ValidationError):
        TableOptions(colour="red")  # type: ignore[call-arg]

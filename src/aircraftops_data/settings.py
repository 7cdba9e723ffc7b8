"""Settings, by argument or from environment variables that begin with AIRCRAFTOPS_."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from aircraftops_data.errors import InvalidInputError

PREFIX = "AIRCRAFTOPS_"


class TableOptions(BaseModel):
    """How `create_tables` makes tables that do not exist yet; tables that exist are never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    billing_mode: Literal["PAY_PER_REQUEST", "PROVISIONED"] = Field(default="PAY_PER_REQUEST")
    read_units: int | None = Field(default=None, ge=1, description="of each table and index, when PROVISIONED")
    write_units: int | None = Field(default=None, ge=1, description="of each table and index, when PROVISIONED")
    point_in_time_recovery: bool = False
    deletion_protection: bool = False
    kms_key: str | None = Field(default=None, description="id or ARN of a KMS key; without one, AWS's own encrypts")
    tags: Mapping[str, str] = Field(default_factory=dict[str, str], description="key=value,key=value")

    @field_validator("tags", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        if any(not middle for _, middle, _ in pairs):
            raise ValueError("tags are written key=value,key=value")
        return {name.strip(): content.strip() for name, _, content in pairs}

    @model_validator(mode="after")
    def _units_go_with_provisioned(self) -> TableOptions:
        units = (self.read_units, self.write_units)
        if self.billing_mode == "PROVISIONED" and None in units:
            raise ValueError(
                "billing_mode PROVISIONED needs read_units and write_units (AIRCRAFTOPS_READ_UNITS, _WRITE_UNITS)"
            )
        if self.billing_mode != "PROVISIONED" and units != (None, None):
            raise ValueError("read_units and write_units are for PROVISIONED (AIRCRAFTOPS_BILLING_MODE)")
        return self


def _named(place: tuple[int | str, ...], message: str) -> str:
    """A problem under the name of its variable."""
    return f"{PREFIX}{'.'.join(map(str, place)).upper()}: {message}" if place else message


def _toml(path: str | Path) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"Settings: {Path(path).name} cannot be read: {type(error).__name__}") from error


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in tables, under the names that settings have elsewhere; tags are a table of their own."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict) and name != "tags":
            found |= {f"{name}_{inner}": said for inner, said in cast("dict[str, Any]", value).items()}
        else:
            found[name] = value
    return found


# Names of tables: DynamoDB Developer Guide, "Supported data types and naming rules".
_TableName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{3,255}$")]


class Settings(TableOptions):
    """Where the tables are, what they are called, and how they are made."""

    prefix: str = Field(default="", description="put before each table's name", pattern=r"^[A-Za-z0-9_.-]*$")
    core_table: _TableName | None = Field(default=None, description="the whole name of CoreTable, prefix ignored")
    jobs_table: _TableName | None = Field(default=None, description="the whole name of JobsTable, prefix ignored")
    audit_events_table: _TableName | None = Field(default=None, description="the whole name of AuditEventsTable")
    history_table: _TableName | None = Field(default=None, description="a table for the change history")
    auto_create: bool = Field(default=True, description="whether applying changes makes the tables it needs")
    lock_table: _TableName | None = Field(default=None, description="a table for locks; without it, JobsTable")
    endpoint_url: str | None = Field(default=None, description="an engine other than AWS's; boto3's own settings apply")
    jobs_bucket: str | None = Field(default=None, description="an S3 bucket for payloads that no item holds")
    region: str | None = Field(default=None, description="the AWS region; without it, boto3's own settings apply")
    cursor_secret: SecretStr = Field(default=SecretStr(""), description="signs cursors")
    audit_enabled: bool = Field(default=True, description="whether audit events are stored at all")
    audit_ttl_seconds: int = Field(
        default=30 * 86400, ge=1, le=366_000 * 86400, description="how long audit events are kept"
    )
    audit_store_payload: bool = Field(default=True, description="whether audit events keep their payload")
    audit_hash_chain: bool = Field(default=False, description="whether every audit event goes into its tenant's chain")
    audit_secrets: Literal["redact", "refuse", "allow"] = Field(
        default="redact", description="what becomes of secrets in audit events"
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **given: object) -> Settings:
        """Settings from AIRCRAFTOPS_ variables; what is given as an argument (not None) goes before.

        Raises InvalidInputError naming the variable.
        """
        found = os.environ if environment is None else environment
        named = {name: found[PREFIX + name.upper()] for name in cls.model_fields if found.get(PREFIX + name.upper())}
        values = {**named, **{name: value for name, value in given.items() if value is not None}}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            wrong = "; ".join(_named(found["loc"], found["msg"]) for found in error.errors())
            raise InvalidInputError(f"Settings: {wrong}") from error

    @classmethod
    def from_toml(cls, path: str | Path, environment: Mapping[str, str] | None = None, **given: object) -> Settings:
        """Settings from a TOML file: `prefix = "dev-"`, and in a table `[audit]` what begins with audit_ elsewhere.

        Variables go before the file, arguments before both. Raises InvalidInputError.
        """
        known = {name: value for name, value in given.items() if value is not None}
        found = os.environ if environment is None else environment
        said = {name: value for name, value in _flat(_toml(path)).items() if not found.get(PREFIX + name.upper())}
        return cls.from_environment(environment, **{**said, **known})

    def overrides(self) -> dict[str, str]:
        """Table names given in full, by the name of their definition."""
        names = {
            "CoreTable": self.core_table,
            "JobsTable": self.jobs_table,
            "AuditEventsTable": self.audit_events_table,
        }
        return {name: override for name, override in names.items() if override}

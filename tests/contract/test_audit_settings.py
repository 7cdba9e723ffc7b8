"""What the settings say of audit events, from variables, TOML and arguments, holds for every event of the process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aircraftops_data import AUDIT_EVENTS, AircraftOps, CoreTable, Settings
from aircraftops_data.audit import Audit, AuditOptions, SecretPolicy
from aircraftops_data.core.connecting import TransportName
from aircraftops_data.errors import InvalidInputError, SecretFoundError, TableMissingError
from aircraftops_data.settings import PREFIX
from aircraftops_data.testing import local_session
from audit_over import asked
from memory import Memory

TOKEN = "ghp_" + "a" * 36
TOML = """
prefix = "dev-"

[tags]
team = "ops"

[audit]
ttl_seconds = 60
store_payload = false
secrets = "refuse"
hash_chain = true
events_table = "TheirAudit"
"""


def from_variables(**variables: str) -> AuditOptions:
    """The options of an environment with these variables alone."""
    return AuditOptions.of(Settings.from_environment({PREFIX + "AUDIT_" + n: text for n, text in variables.items()}))


def test_without_settings_events_are_stored_for_30_days_with_payloads_and_without_secrets_or_chain() -> None:
    options = from_variables()
    assert options == AuditOptions()
    assert (options.enabled, options.store_payload, options.hash_chain) == (True, True, False)
    assert (options.retention.default, options.secrets) == (timedelta(days=30), SecretPolicy.REDACT)


@pytest.mark.parametrize(
    ("variable", "text", "option", "value"),
    [
        ("ENABLED", "false", "enabled", False),
        ("ENABLED", "0", "enabled", False),
        ("STORE_PAYLOAD", "no", "store_payload", False),
        ("HASH_CHAIN", "true", "hash_chain", True),
        ("SECRETS", "refuse", "secrets", SecretPolicy.REFUSE),
        ("SECRETS", "allow", "secrets", SecretPolicy.ALLOW),
    ],
)
def test_a_variable_says_what_holds(variable: str, text: str, option: str, value: Any) -> None:
    assert getattr(from_variables(**{variable: text}), option) == value


def test_a_variable_says_how_long_events_are_kept() -> None:
    for text, days in (("86400", 1), (str(366_000 * 86_400), 366_000)):
        assert from_variables(TTL_SECONDS=text).retention.default == timedelta(days=days)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("ENABLED", "maybe"),
        ("TTL_SECONDS", "0"),
        ("TTL_SECONDS", "-1"),
        ("TTL_SECONDS", "1.5"),
        ("TTL_SECONDS", "forever"),
        ("TTL_SECONDS", str(366_000 * 86_400 + 1)),
        ("TTL_SECONDS", str(10**16)),
        ("SECRETS", "REDACT"),
        ("SECRETS", "hide"),
    ],
)
def test_a_variable_that_says_nothing_that_can_be_is_refused_by_its_name(variable: str, text: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{PREFIX}AUDIT_{variable}"):
        from_variables(**{variable: text})


def test_a_toml_file_says_the_same_in_tables(tmp_path: Path) -> None:
    path = tmp_path / "ops.toml"
    path.write_text(TOML)
    settings = Settings.from_toml(path, {})
    options = AuditOptions.of(settings)
    assert (settings.prefix, settings.tags, settings.audit_events_table) == ("dev-", {"team": "ops"}, "TheirAudit")
    assert options.retention.default == timedelta(minutes=1)
    assert (options.store_payload, options.hash_chain, options.secrets) == (False, True, SecretPolicy.REFUSE)


def test_variables_go_before_the_file_and_arguments_before_both(tmp_path: Path) -> None:
    path = tmp_path / "ops.toml"
    path.write_text(TOML)
    variables = {PREFIX + "AUDIT_TTL_SECONDS": "120", PREFIX + "AUDIT_SECRETS": "allow", PREFIX + "PREFIX": ""}
    settings = Settings.from_toml(path, variables, audit_secrets="redact", audit_hash_chain=None)
    assert (settings.audit_ttl_seconds, settings.audit_secrets, settings.audit_hash_chain) == (120, "redact", True)
    assert settings.prefix == "dev-"


@pytest.mark.parametrize(
    "text", ["audit = 5", "[audit]\nttl = 5", "[audit]\nttl_seconds = 0", "[audit", "[audit.a]\nb = 1", "[x]\ny = 1"]
)
def test_a_file_that_says_what_cannot_be_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ops.toml"
    path.write_text(text)
    with pytest.raises(InvalidInputError):
        Settings.from_toml(path, {})


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for name in ("nothing.toml", "bytes.toml", ""):
        with pytest.raises(InvalidInputError):
            Settings.from_toml(tmp_path / name, {})


@pytest.mark.parametrize("group", [0, 251, -1])
def test_a_group_that_no_block_holds_is_refused(group: int) -> None:
    with pytest.raises(InvalidInputError):
        AuditOptions(group=group)
    with pytest.raises(InvalidInputError):
        AuditOptions(concurrency=0)


# What they come to


def audit_by(memory: Memory | None = None, **settings: Any) -> Audit:
    """The events of a data layer with these settings, which nothing reaches."""
    return AircraftOps(CoreTable(memory or Memory()), Settings(**settings)).audit


def test_events_that_are_switched_off_send_nothing() -> None:
    memory = Memory()
    audit = audit_by(memory, audit_enabled=False, audit_hash_chain=True)
    event = audit.record(**asked())
    assert audit.record(event) == event
    assert audit.action(event).resolve(None, None) == []  # type: ignore[arg-type]
    assert memory.sent == []
    with pytest.raises(InvalidInputError):
        audit.record(**asked(outcome="meh"))


def test_payloads_are_left_out_and_secrets_refused_as_the_settings_say() -> None:
    assert audit_by(audit_store_payload=False).event(**asked(payload={"a": 1})).payload is None
    assert audit_by().event(**asked(payload={"a": 1})).payload == '{"a":1}'
    with pytest.raises(SecretFoundError):
        audit_by(audit_secrets="refuse").event(**asked(details={"a": TOKEN}))
    assert audit_by(audit_secrets="allow").event(**asked(details={"a": TOKEN})).details == {"a": TOKEN}


def test_events_expire_when_the_settings_say() -> None:
    audit = audit_by(audit_ttl_seconds=90)
    now = audit.context.clock.now()
    left = audit.event(**asked()).expires_at
    assert left is not None
    assert timedelta(seconds=90) <= left - now < timedelta(seconds=100)


@pytest.mark.parametrize(
    ("endpoint", "made"),
    [
        (None, False),
        ("http://localhost:8000", True),
        ("http://127.0.0.1:1", True),
        ("http://[::1]:1", True),
        ("https://dynamodb.eu-west-1.amazonaws.com", False),
        ("http://localhost.example.com:8000", False),
    ],
)
def test_the_table_is_made_when_first_used_on_this_machine_alone(endpoint: str | None, made: bool) -> None:
    assert AuditOptions.of(Settings(endpoint_url=endpoint)).create_table is made


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["botocore", "direct"])
def test_on_this_machine_the_first_events_make_the_table_once(
    local_endpoint: str, fresh_names: str, transport: TransportName
) -> None:
    options: dict[str, Any] = {"session": local_session(), "endpoint_url": local_endpoint, "prefix": fresh_names}
    with AircraftOps.connect(**options, transport=transport, audit_hash_chain=True) as ops:
        with pytest.raises(TableMissingError):
            ops.audit.by_actor("user:ana").all()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: ops.audit.record(**asked()), range(8)))
        assert ops.audit.by_actor("user:ana").count() == 8
        report = ops.audit.chain("acme").verify()
        assert (report.ok, report.checked) == (True, 8)
        assert ops.core.context.names[AUDIT_EVENTS] == f"{fresh_names}AuditEventsTable"

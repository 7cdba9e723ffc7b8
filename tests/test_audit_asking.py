"""What an event may say, how much of it, for how long, and without which secrets; nothing is sent for that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from aircraftops_data.audit import FieldChange, Retention, Rule, SecretPolicy
from aircraftops_data.audit.asking import vetted
from aircraftops_data.audit.details import DETAILS_BYTES, PAYLOAD_BYTES
from aircraftops_data.errors import (
    AircraftOpsDataError,
    InvalidInputError,
    InvalidValueError,
    ItemTooLargeError,
    SecretFoundError,
)
from audit_over import AT, asked, audit_of_nowhere

AUDIT = audit_of_nowhere()
TOKEN = "ghp_" + "a" * 36
WEST, EAST = timezone(timedelta(hours=-12)), timezone(timedelta(hours=14))


def test_an_event_needs_no_more_than_actor_action_and_resource() -> None:
    event = AUDIT.event(actor="a", action="b", resource="c")
    assert (event.tenant, event.outcome, event.source, event.details) == ("default", "success", None, {})
    assert (event.payload, event.changes, event.correlation_id, event.chain) == (None, [], None, None)


@pytest.mark.parametrize("name", ["actor", "action", "resource"])
def test_an_event_without_one_of_them_is_refused(name: str) -> None:
    for said in ({name: ""}, {name: None}, {name: 7}, {name: "x" * 257}, {name: "\ud800"}):
        with pytest.raises(InvalidInputError):
            AUDIT.event(**asked() | said)
    with pytest.raises(InvalidInputError):
        AUDIT.event(**{field: value for field, value in asked().items() if field != name})


def test_what_an_event_cannot_say_is_refused_and_not_passed_over() -> None:
    with pytest.raises(InvalidInputError, match="'detail', 'when'"):
        AUDIT.event(**asked(detail={"a": 1}, when=AT))


@pytest.mark.parametrize(
    "said",
    [
        {"outcome": "meh"},
        {"tenant": "a/b"},
        {"tenant": ""},
        {"details": {"a": object()}},
        {"details": [1]},
        {"details": {"a": float("nan")}},
        {"details": {"a": "\ud800"}},
        {"details": {1: 2}},
        {"payload": {"a": float("inf")}},
        {"payload": "\ud800"},
        {"payload": {"a": object()}},
        {"expires_at": datetime(2030, 1, 1)},  # noqa: DTZ001 - a naive one on purpose
        {"key": "k"},
        {"occurred_at": None},
        {"occurred_at": "2026-11-21T07:00:00Z"},
        {"occurred_at": datetime(2026, 11, 21)},  # noqa: DTZ001 - a naive one on purpose
        {"occurred_at": datetime(1969, 12, 31, tzinfo=UTC)},
        {"occurred_at": datetime.max.replace(tzinfo=UTC)},
        {"occurred_at": datetime.max.replace(tzinfo=WEST)},
        {"occurred_at": datetime.min.replace(tzinfo=EAST)},
    ],
    ids=lambda said: next(iter(said)),
)
def test_what_cannot_be_is_refused_by_an_error_of_the_library(said: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        AUDIT.event(**asked(**said))


def test_a_key_may_be_any_text() -> None:
    for key in ("", "\ud800", "k" * 10_000):
        assert AUDIT.event(**asked(occurred_at=AT, key=key)).id == AUDIT.event(**asked(occurred_at=AT, key=key)).id


def test_an_instant_is_kept_in_utc_and_lies_in_the_month_of_that() -> None:
    last = datetime(2026, 12, 31, 23, 30, tzinfo=WEST)
    event = AUDIT.event(**asked(occurred_at=last))
    assert (event.occurred_at.isoformat(), event.month) == ("2027-01-01T11:30:00+00:00", "2027-01")
    assert AUDIT.event(**asked(occurred_at=datetime(2027, 1, 1, 13, 59, tzinfo=EAST))).month == "2026-12"


# How much


def nested(depth: int) -> dict[str, Any]:
    """So many maps in one another."""
    return {"a": nested(depth - 1)} if depth > 1 else {}


def test_details_lie_at_most_eight_deep_and_take_at_most_16_kb() -> None:
    assert AUDIT.event(**asked(details=nested(8))).details == nested(8)
    with pytest.raises(InvalidValueError):
        AUDIT.event(**asked(details=nested(9)))
    fitting = {"a": "x" * (DETAILS_BYTES - 16)}
    assert AUDIT.event(**asked(details=fitting)).details == fitting
    with pytest.raises(ItemTooLargeError):
        AUDIT.event(**asked(details={"a": "x" * DETAILS_BYTES}))


def test_a_payload_takes_at_most_128_kb_in_utf_8() -> None:
    assert AUDIT.event(**asked(payload="é" * (PAYLOAD_BYTES // 2 - 1))).payload
    with pytest.raises(ItemTooLargeError):
        AUDIT.event(**asked(payload="é" * (PAYLOAD_BYTES // 2)))


def test_what_redaction_makes_too_long_is_refused_at_once() -> None:
    with pytest.raises(ItemTooLargeError):
        AUDIT.event(**asked(details={"x": [{"password": "p"} for _ in range(1000)]}))
    with pytest.raises(ItemTooLargeError):
        AUDIT.event(**asked(payload=[{"password": "p"} for _ in range(6000)]))


# For how long


def test_events_expire_as_the_closest_rule_says_or_as_they_say_themselves() -> None:
    week = timedelta(days=7)
    rules = [Rule(week, action="billing.*"), Rule(None, tenant="acme", action="billing.refund")]
    audit = audit_of_nowhere(retention=Retention(timedelta(days=1), rules))
    now = audit.context.clock.now()

    def kept(**said: Any) -> timedelta | None:
        event = audit.event(**asked(**said))
        return None if event.expires_at is None else event.expires_at - now

    assert kept(action="login") is not None
    assert timedelta(days=1) <= (kept(action="login") or week) < timedelta(days=1, minutes=1)
    assert week <= (kept(action="billing.send") or timedelta()) < week + timedelta(minutes=1)
    assert kept(action="billing.refund") is None
    assert week <= (kept(action="billing.refund", tenant="t") or timedelta()) < week + timedelta(minutes=1)
    assert kept(action="login", expires_at=None) is None
    at = datetime(2040, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC)
    assert audit.event(**asked(expires_at=at)).expires_at == at.replace(microsecond=0)
    assert audit.event(**asked(occurred_at=AT)).expires_at != AT + timedelta(days=1)
    later = AT + timedelta(days=10_000)
    assert audit.event(**asked(occurred_at=later)).expires_at == later.replace(microsecond=0) + timedelta(
        days=1, seconds=1
    )


# Without secrets

PLACES: dict[str, dict[str, Any]] = {
    "details": {"details": {"note": f"with {TOKEN} in it"}},
    "a name in details": {"details": {TOKEN: 1}},
    "deep in details": {"details": {"a": [{"b": {"password": "hunter2hunter2"}}]}},
    "a set in details": {"details": {"a": {TOKEN}}},
    "bytes in details": {"details": {"a": TOKEN.encode()}},
    "payload": {"payload": {"a": [TOKEN]}},
    "a payload's name": {"payload": {"api_key": "k-123456789"}},
    "a payload that is a text": {"payload": f"password={TOKEN}"},
    "a secret of pydantic": {"payload": {"a": SecretStr("hunter2hunter2")}},
    "a change": {"changes": [FieldChange(field="note", before=TOKEN, after=f"not {TOKEN}")]},
    "a map in a change": {"changes": [FieldChange(field="note", after={"password": "hunter2hunter2"})]},
    "a change of a secret": {"changes": [FieldChange(field="api_key", before="k-123456789", after="hunter2hunter2")]},
    "a field's name": {"changes": [FieldChange(field=TOKEN)]},
}
SECRETS = (TOKEN, "hunter2", "k-123456789")


@pytest.mark.parametrize("place", PLACES)
def test_secrets_are_redacted_or_refused_wherever_they_stand(place: str) -> None:
    event = AUDIT.event(**asked(**PLACES[place]))
    assert "[redacted: " in repr(event)
    assert not [secret for secret in SECRETS if secret in repr(event)]
    assert vetted(event, AUDIT.options) == event
    with pytest.raises(SecretFoundError) as refused:
        audit_of_nowhere(secrets=SecretPolicy.REFUSE).event(**asked(**PLACES[place]))
    assert not [secret for secret in SECRETS if secret in str(refused.value)]
    assert refused.value.places


@pytest.mark.parametrize("name", ["actor", "action", "resource", "tenant", "source", "correlation_id"])
def test_a_secret_in_a_name_is_refused_unless_all_are_allowed(name: str) -> None:
    for policy in (SecretPolicy.REDACT, SecretPolicy.REFUSE):
        with pytest.raises(SecretFoundError) as refused:
            audit_of_nowhere(secrets=policy).event(**asked() | {name: f"x:{TOKEN}"})
        assert TOKEN not in str(refused.value)
        assert name in refused.value.places[0]
    assert TOKEN in repr(audit_of_nowhere(secrets=SecretPolicy.ALLOW).event(**asked() | {name: f"x:{TOKEN}"}))


def test_a_payload_that_is_not_stored_is_not_looked_at() -> None:
    audit = audit_of_nowhere(store_payload=False, secrets=SecretPolicy.REFUSE)
    assert audit.event(**asked(payload={"password": "hunter2hunter2"})).payload is None
    assert audit.event(**asked(payload=object())).payload is None


parts = st.sampled_from(
    ["password", '"', "'", "=", ":", " ", "\\", "{", "}", ",", "api_key", "hunter2hunter2", "Bearer ", "\n", TOKEN, "é"]
)
texts = st.lists(parts, max_size=8).map("".join)


@given(st.recursive(texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)))
def test_a_payload_stays_json_and_what_was_redacted_stays_as_it_is(value: Any) -> None:
    event = AUDIT.event(**asked(payload=value))
    assert event.payload is not None
    assert _shape(json.loads(event.payload)) == _shape(value)
    assert vetted(event, AUDIT.options) == event


def _shape(value: Any) -> Any:
    """How many parts a value has; what stands under a name that tells is one."""
    return type(value).__name__ if not isinstance(value, Mapping) else len(value)


def test_a_prompt_that_ends_in_a_colon_swallows_nothing_behind_it() -> None:
    said = {"prompt": "Enter password:", "next": "value"}
    assert json.loads(AUDIT.event(**asked(payload=said)).payload or "") == said


def test_an_error_of_an_event_quotes_no_value() -> None:
    for said in ({"actor": "Ada" * 100}, {"details": {"a": object(), "b": "Ada"}}, {"outcome": "Ada"}):
        with pytest.raises(AircraftOpsDataError) as refused:
            AUDIT.event(**asked(**said))
        assert "Ada" not in str(refused.value)

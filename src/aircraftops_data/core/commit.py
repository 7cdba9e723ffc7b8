"""Committing intents: read what they need, send one request or one transaction, and settle what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar, cast

from aircraftops_data.core.context import Context, send
from aircraftops_data.core.joining import handed_over
from aircraftops_data.core.writes import Action, Done, Intent, Lost, Stale, Stamp, Verdict
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ConditionFailedError,
    ContentionError,
    InvalidInputError,
    RequestRefusedError,
    ThrottledError,
    TransactionConflictError,
)
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Cancellation, Plan, Request, Response
from aircraftops_data.translation.readers import reader_of

T = TypeVar("T")
ACTIONS_LIMIT = 100
_THROTTLED = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"})
_PASSING = _THROTTLED | {"TransactionConflict", "InternalError"}


@dataclass(frozen=True)
class _Attempt:
    """One try: the actions of each intent."""

    groups: list[list[Action]]

    @cached_property
    def actions(self) -> list[Action]:
        return [action for group in self.groups for action in group]

    @cached_property
    def by_itself(self) -> bool:
        """Whether it is one write, which takes no transaction."""
        return [action.kind == "ConditionCheck" for action in self.actions] == [False]


@dataclass(frozen=True, slots=True)
class _Again:
    """A try that must be made again, with what was found out: stored items by intent, sentinels held by others."""

    stored: dict[int, Item | None]
    lost: frozenset[str] = frozenset()
    throttled: bool = False


def write(intent: Intent[T], context: Context) -> Plan[T]:
    """Commit one intent; its own error is raised, not a transaction's."""
    try:
        (result,) = yield from commit([intent], context)
    except TransactionConflictError as cancelled:
        reason = next((reason for reason in cancelled.reasons if reason is not None), cancelled)
        raise reason from cancelled.__cause__
    return cast("T", result)


def commit(intents: Sequence[Intent[Any]], context: Context) -> Plan[list[Any]]:
    """Make all the writes or none of them; what each leaves, in order.

    Raises TransactionConflictError with a reason per intent; ContentionError when others kept getting in between.
    """
    stamp = Stamp(context.clock.now(), context.chance.identifier(), context.names)
    token = ""
    stored: dict[int, Item | None] = {}
    for attempt in range(context.retry.attempts):
        yield from _read_needed(intents, stored, context)
        resolved = [intent.resolve(stored.get(index), stamp) for index, intent in enumerate(intents)]
        made = _Attempt(handed_over(resolved))
        if not made.by_itself:
            token = token or context.chance.identifier(128)
        settled = yield from _try(intents, made, token, context)
        if isinstance(settled, list):
            return settled
        if settled.stored or settled.lost:
            stored |= settled.stored
            stamp = replace(stamp, lost=stamp.lost | settled.lost)
            token = ""
        yield from context.back_off(attempt, _throttled if settled.throttled else _contended)
    raise AssertionError("back_off raises on the last attempt")


def _throttled(tries: int) -> ThrottledError:
    return ThrottledError(f"Gave up after {tries} tries: the transaction was throttled", retryable=True)


def _contended(tries: int) -> ContentionError:
    return ContentionError(f"Gave up after {tries} tries: others kept changing the same items", retryable=True)


def _read_needed(intents: Sequence[Intent[Any]], stored: dict[int, Item | None], context: Context) -> Plan[None]:
    for index, intent in enumerate(intents):
        if intent.needs_read and index not in stored:
            stored[index] = yield from read(intent, context)


def read(intent: Intent[Any], context: Context) -> Plan[Item | None]:
    """The stored item of an intent, read consistently."""
    parameters = {
        "TableName": context.names[intent.table],
        "Key": intent.read_key,
        "ConsistentRead": True,
        "ReturnConsumedCapacity": "INDEXES",
    }
    response = yield from send(Request("GetItem", parameters), context)
    return cast("Item | None", response.get("Item"))


def _try(intents: Sequence[Intent[Any]], made: _Attempt, token: str, context: Context) -> Plan[list[Any] | _Again]:
    """One try: the results, or what to try again with."""
    actions = made.actions
    if not actions:
        return [intent.outcome(None) for intent in intents]
    try:
        if made.by_itself:
            response = yield from send(_single(actions[0], made, intents), context)
            return _results(intents, made, response)
        _refuse_impossible(actions)
        yield from send(_transaction(actions, token), context)
    except ConditionFailedError as refused:
        return _settle(intents, made, [actions[0].explain(cast("Item | None", refused.raw))], refused)
    except TransactionConflictError as cancelled:
        settled = _settle(intents, made, _verdicts(actions, cancelled), cancelled)
        throttled = any(reason.code in _THROTTLED for reason in cancelled.reasons)
        return replace(settled, throttled=throttled) if isinstance(settled, _Again) else settled
    except ContentionError:
        return _Again({})
    return _results(intents, made, None)


def _refuse_impossible(actions: list[Action]) -> None:
    if len(actions) > ACTIONS_LIMIT:
        raise InvalidInputError(
            f"The transaction takes {len(actions)} actions, unique values included; DynamoDB takes {ACTIONS_LIMIT}"
        )
    places = {action.place for action in actions}
    if len(places) != len(actions):
        raise InvalidInputError("Two actions of one transaction meet in the same item")


_OPERATIONS = {"Put": ("PutItem", "NONE"), "Update": ("UpdateItem", "ALL_NEW"), "Delete": ("DeleteItem", "ALL_OLD")}


def _single(action: Action, made: _Attempt, intents: Sequence[Intent[Any]]) -> Request:
    intent = next(intent for intent, group in zip(intents, made.groups, strict=True) if group)
    operation, returned = _OPERATIONS[action.kind]
    extra = {"ReturnValues": returned, "ReturnConsumedCapacity": "INDEXES"}
    reader = None if intent.definition is None else reader_of(intent.definition)
    return Request(operation, {**action.parameters, **extra}, reader)


def _transaction(actions: list[Action], token: str) -> Request:
    items = [{action.kind: dict(action.parameters)} for action in actions]
    return Request(
        "TransactWriteItems",
        {"TransactItems": items, "ClientRequestToken": token, "ReturnConsumedCapacity": "INDEXES"},
    )


def _results(intents: Sequence[Intent[Any]], made: _Attempt, response: Response | None) -> list[Any]:
    results: list[Any] = []
    for intent, group in zip(intents, made.groups, strict=True):
        known = group[0].item if group else None
        item = known if response is None or known is not None else response.get("Attributes")
        results.append(intent.outcome(item))
    return results


def _verdicts(actions: list[Action], cancelled: TransactionConflictError) -> list[Verdict | None]:
    """What each action's cancellation means; None where it was not a reason, or one that passes by itself."""
    verdicts: list[Verdict | None] = []
    for action, reason in zip(actions, cast("Sequence[Cancellation]", cancelled.reasons), strict=True):
        if reason.code == "ConditionalCheckFailed":
            verdicts.append(action.explain(cast("Item | None", reason.item)))
        elif reason.code == "None" or reason.code in _PASSING:
            verdicts.append(None)
        else:
            verdicts.append(RequestRefusedError(f"{reason.code}: {reason.message}", code=reason.code))
    return verdicts


def _settle(
    intents: Sequence[Intent[Any]], made: _Attempt, verdicts: Sequence[Verdict | None], cause: AircraftOpsDataError
) -> list[Any] | _Again:
    """Decide what a refused try means: done before, stale facts to try again with, or an error to raise."""
    grouped = _by_intent(made.groups, verdicts)
    done = next((verdict for verdict in verdicts if isinstance(verdict, Done)), None)
    if done is not None:
        # What an earlier try left is told of one item; a transaction's other results are only known where planned.
        return _results(intents, made, {"Attributes": done.item} if len(intents) == 1 else None)
    errors = [_error_of(group) for group in grouped]
    if any(error is not None for error in errors):
        failed = ", ".join(f"{i}: {type(error).__name__}" for i, error in enumerate(errors) if error is not None)
        raise TransactionConflictError(f"Nothing was written; refused actions {failed}", reasons=errors) from (
            cause.__cause__ or cause
        )
    stale = {i: verdict.item for i, group in enumerate(grouped) for verdict in group if isinstance(verdict, Stale)}
    return _Again(stale, frozenset(verdict.place for verdict in verdicts if isinstance(verdict, Lost)))


def _error_of(verdicts: Sequence[Verdict | None]) -> AircraftOpsDataError | None:
    """Why an intent cannot be had. What stale facts led it to ask for beside says nothing: it will ask for other."""
    if any(isinstance(verdict, Stale) for verdict in verdicts):
        return None
    return next((verdict for verdict in verdicts if isinstance(verdict, AircraftOpsDataError)), None)


def _by_intent(groups: list[list[Action]], verdicts: Sequence[Verdict | None]) -> list[list[Verdict | None]]:
    remaining = iter(verdicts)
    return [[next(remaining) for _ in group] for group in groups]

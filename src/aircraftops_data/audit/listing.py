"""Where events are found: by resource, actor, action, outcome and correlation, as key queries by month and shard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TypeVar

from aircraftops_data.audit.identity import first_id, last_id, month_of, occurred
from aircraftops_data.audit.known import layout
from aircraftops_data.audit.model import AuditEvent, KnownAction, KnownMonth, Layout, Outcome
from aircraftops_data.core.asking import every
from aircraftops_data.core.context import Context
from aircraftops_data.model.declarations import KeyQuery
from aircraftops_data.model.entity import Entity
from aircraftops_data.request import Plan

E = TypeVar("E", bound=Entity)
Queries = list[list[KeyQuery[AuditEvent]]]
"""By month: queries that interleave; of a whole listing where months play no part, one group."""
_LOWEST, _HIGHEST = "0" * 32, "f" * 32
_LAST_YEAR = last_id(datetime(9999, 12, 31, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Span:
    """The ids from one to another, both included; they sort by time."""

    low: str = _LOWEST
    high: str = _HIGHEST

    @classmethod
    def between(cls, since: datetime | None, until: datetime | None) -> Span:
        """The ids of events that occurred between two instants, both included."""
        return cls(_LOWEST if since is None else first_id(since), _HIGHEST if until is None else last_id(until))

    def beyond(self, last: str, *, newest_first: bool) -> Span:
        """What is left of it behind an id."""
        if newest_first:
            return Span(self.low, _id_beside(last, -1))
        return Span(_id_beside(last, 1), self.high)

    @property
    def empty(self) -> bool:
        """Whether no id can be in it."""
        return self.low > self.high

    def of(self, query: KeyQuery[AuditEvent]) -> KeyQuery[AuditEvent]:
        """The part of a query that is in it."""
        return query.between(id=(self.low, self.high))

    def has(self, month: str) -> bool:
        """Whether any event of a month can be in it."""
        return _month(self.low) <= month <= _month(self.high)


def _id_beside(identifier: str, step: int) -> str:
    return f"{min(max(int(identifier, 16) + step, 0), int(_HIGHEST, 16)):032x}"


def _month(identifier: str) -> str:
    # Ids go on for longer than years do.
    return "9999-12" if identifier > _LAST_YEAR else month_of(occurred(identifier))


Pattern = Callable[[Span, Context], Plan[Queries]]
"""Says which queries find the events of a span."""


def of_resource(resource: str) -> Pattern:
    """The events of a resource."""
    return _directly(AuditEvent.primary(resource=resource))


def of_correlation(correlation_id: str) -> Pattern:
    """The events that belong to one correlation id."""
    return _directly(AuditEvent.by_correlation(correlation_id=correlation_id))


def _directly(query: KeyQuery[AuditEvent]) -> Pattern:
    def queries(span: Span, _: Context) -> Plan[Queries]:
        yield from ()
        return [[span.of(query)]]

    return queries


def of_actor(actor: str) -> Pattern:
    """What an actor did. 1 read unit for the months there are, 1 for the shards."""

    def queries(span: Span, context: Context) -> Plan[Queries]:
        months = [known.month for known in (yield from every(KnownMonth.primary(), context))]
        shards = ((yield from layout(context, consistent=True)) or Layout()).of_actor(actor)
        return [
            [span.of(AuditEvent.by_actor(actor=actor, month=month, actor_shard=shard)) for shard in range(shards)]
            for month in sorted(months)
            if span.has(month)
        ]

    return queries


def of_tenant(
    tenant: str, actions: Iterable[str] | None = None, outcomes: Iterable[Outcome] = tuple(Outcome)
) -> Pattern:
    """What was done in a tenant, of some actions or all, with some outcomes or all.

    1 read unit for the actions and months there are, 1 for the shards.
    """
    wanted, results = None if actions is None else frozenset(actions), tuple(outcomes)

    def queries(span: Span, context: Context) -> Plan[Queries]:
        spread = (yield from layout(context, consistent=True)) or Layout()
        known = yield from known_actions(tenant, context)
        asked = [each for each in known if wanted is None or each.action in wanted]
        fitting = sorted((each.month, each.action) for each in asked if span.has(each.month))
        by_month = groupby(fitting, key=lambda pair: pair[0])
        return [
            [query for _, action in pairs for query in _of_action(tenant, action, month, results, spread, span)]
            for month, pairs in by_month
        ]

    return queries


def _of_action(
    tenant: str, action: str, month: str, outcomes: Sequence[Outcome], spread: Layout, span: Span
) -> list[KeyQuery[AuditEvent]]:
    given = {"tenant": tenant, "action": action, "month": month}
    return [
        span.of(AuditEvent.by_action(**given, outcome=outcome, action_shard=shard))
        for outcome in outcomes
        for shard in range(spread.of_action(tenant, action))
    ]


def known_actions(tenant: str, context: Context) -> Plan[list[KnownAction]]:
    """The actions of a tenant and the months they were done in. 1 read unit per 4 KB."""
    return every(KnownAction.primary(tenant=tenant), context)

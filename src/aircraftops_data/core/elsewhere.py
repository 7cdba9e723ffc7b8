"""A write whose table has another physical name than in the transaction it joins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Generic, TypeVar

from aircraftops_data.core.context import TableNames
from aircraftops_data.core.writes import Action, Intent, Stamp
from aircraftops_data.model.definition import Item

T = TypeVar("T")


class Elsewhere(Generic[T]):
    """Another intent by these names: for a capability whose items may lie in a table of their own.

    It must be one that reads nothing first, for reads go by the names of the transaction.
    """

    needs_read = False

    def __init__(self, intent: Intent[T], names: TableNames) -> None:
        self._intent = intent
        self._names = names
        self.table = intent.table
        self.definition = intent.definition
        self.read_key = intent.read_key

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """The intent's own actions, in its own table."""
        return self._intent.resolve(stored, replace(stamp, names=self._names))

    def outcome(self, item: Item | None) -> T:
        """What the intent says it is."""
        return self._intent.outcome(item)


def elsewhere(intents: Iterable[Intent[Any]], names: TableNames) -> list[Intent[Any]]:
    """These intents by these names."""
    return [Elsewhere(intent, names) for intent in intents]

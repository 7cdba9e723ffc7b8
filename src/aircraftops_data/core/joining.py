"""The actions of several intents as those of one transaction, which takes one action an item."""

from __future__ import annotations

from collections.abc import Mapping

from aircraftops_data.core.writes import Action
from aircraftops_data.model.definition import Item


def handed_over(groups: list[list[Action]]) -> list[list[Action]]:
    """The actions with every value that one intent gives up and another takes as one action, the taker's.

    DynamoDB takes one action an item; so two items can swap unique values in a transaction.
    """
    actions = [action for group in groups for action in group]
    released = {action.place: action.releases for action in actions if action.releases is not None}
    claimed = {action.place for action in actions if action.claim_from is not None}
    return [
        [_taken_over(action, released) for action in group if action.releases is None or action.place not in claimed]
        for group in _said_once(groups)
    ]


def _said_once(groups: list[list[Action]]) -> list[list[Action]]:
    """The actions without those that would put the very same item again, whatever is there."""
    puts = [action for group in groups for action in group if action.is_plain_put]
    first = {action.place: action for action in reversed(puts)}
    if len(first) == len(puts):
        return groups
    return [[action for action in group if not _said_before(action, first)] for group in groups]


def _said_before(action: Action, first: Mapping[tuple[str, str], Action]) -> bool:
    said = first.get(action.place) if action.is_plain_put else None
    return said is not None and said is not action and said.item == action.item


def _taken_over(action: Action, released: Mapping[tuple[str, str], Item]) -> Action:
    former = released.get(action.place)
    return action if action.claim_from is None or former is None else action.claim_from(former)

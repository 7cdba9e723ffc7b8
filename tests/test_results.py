"""What reads give back: parts that are never mistaken for the whole, and collections sorted out by entity."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import Field

from aircraftops_data import Collection, CoreTable, Entity, Page, Partial, PrimaryKey, Table
from aircraftops_data.core.partial import partial_of
from aircraftops_data.errors import CorruptItemError
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Request, Response
from aircraftops_data.translation.codec import codec_of
from playing import context

SHELF = Table("Shelf", ttl_attribute="delete_at")


class Shelf(Entity, table=SHELF, entity_type="shelf"):
    """What a partition is about."""

    id: str
    label: str = "none"
    tags: set[str] = set()
    owner: str | None = Field(default=None, repr=False)

    primary = PrimaryKey("SHELF#{id}", "SHELF")


class Book(Entity, table=SHELF, entity_type="book"):
    """What stands on it."""

    id: str
    title: str

    primary = PrimaryKey("SHELF#{id}", "BOOK#{title}")


def item(entity: Entity) -> Item:
    """An entity as it is stored."""
    return codec_of(entity.definition()).item(entity)


STRANGER: Item = {"PK": {"S": "SHELF#1"}, "SK": {"S": "X"}, "entity_type": {"S": "ghost"}}
DAMAGED: Item = {**item(Book(id="1", title="B")), "title": {"NULL": True}}


class Holding:
    """A transport whose every query finds these items."""

    def __init__(self, *items: Item) -> None:
        self._items = items

    def send(self, request: Request) -> Response:
        return {"Items": list(self._items), "Count": len(self._items), "ScannedCount": len(self._items)}


def collection(*items: Item, **options: Any) -> Collection:
    """The collection of shelf 1, which holds these items."""
    return CoreTable(Holding(*items), context()).collection(Shelf, id="1", **options)


SOUND = (item(Book(id="1", title="A")), item(Book(id="1", title="B")), item(Shelf(id="1")))


def test_a_collection_is_sorted_out_by_entity() -> None:
    group = collection(*SOUND, STRANGER)
    assert [book.title for book in group[Book]] == ["A", "B"]
    assert group.shelf == group.first(Shelf) == Shelf(id="1")
    assert group.book == group[Book]
    assert group.unknown == [STRANGER]
    assert set(group) == {Book, Shelf}


def test_what_a_partition_lacks_is_empty_and_what_a_table_lacks_is_an_error() -> None:
    group = collection()
    assert group[Book] == []
    assert group.shelf is None
    assert group.first(Book) is None
    assert Book not in group
    with pytest.raises(AttributeError, match="No entity type 'airship' in Shelf"):
        group.airship


def test_a_corrupt_item_of_a_collection_is_told() -> None:
    with pytest.raises(CorruptItemError):
        collection(*SOUND, DAMAGED)


def part(**attributes: Any) -> Partial[Shelf]:
    """The id and the label of a shelf that stores these attributes."""
    stored = {**item(Shelf(id="1")), **attributes}
    return partial_of(Shelf, {name: stored[name] for name in ("id", "label")}, ["id", "label"], typed=False)


def test_a_part_has_what_was_read_and_nothing_else() -> None:
    found = part(label={"S": "top"})
    assert (found.id, found.label, found["label"]) == ("1", "top", "top")
    assert dict(found) == {"id": "1", "label": "top"}
    assert found.entity is Shelf
    with pytest.raises(AttributeError, match=r"'tags' was not read; this part of a Shelf has \['id', 'label'\]"):
        found.tags
    with pytest.raises(KeyError):
        found["tags"]


def test_a_part_prints_as_what_it_is() -> None:
    assert repr(part()) in ("Partial[Shelf](id='1', label='none')", "Partial[Shelf](label='none', id='1')")
    assert not isinstance(part(), Shelf)


def test_a_part_does_not_print_what_its_entity_does_not() -> None:
    found = partial_of(Shelf, item(Shelf(id="1", owner="Amelia Earhart")), ["id", "owner"], typed=True)
    assert found.owner == "Amelia Earhart"
    assert "Amelia" not in repr(found) + str(found)


def same(value: Any) -> Any:
    """What is compared of a value after a copy."""
    if isinstance(value, Collection):
        return dict(value), value.unknown, value.shelf
    return (value.entity, dict(value)) if isinstance(value, Partial) else value


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(collection(*SOUND, STRANGER), id="collection"),
        pytest.param(part(), id="part"),
        pytest.param(Page([Shelf(id="1")], "cursor"), id="page"),
        pytest.param(Shelf(id="1", tags={"a"}), id="entity"),
    ],
)
def test_what_was_read_can_be_copied_and_pickled(value: Any, again: Callable[[Any], Any]) -> None:
    assert same(again(value)) == same(value)

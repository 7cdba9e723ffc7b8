"""The design check: no two entities of a table meet in one key, or in one another's queries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aircraftops_data import GSI1, Entity, Index, PrimaryKey, SecondaryIndex, Table, Unique
from aircraftops_data.errors import DefinitionError
from aircraftops_data.model.declarations import KeyQuery
from aircraftops_data.model.design import check_pair
from aircraftops_data.model.schema import TABLES
from strategies import templates
from throwaway import declare, selects


def table() -> Table:
    """A table with an index and nothing declared on it."""
    return Table("Things", indexes=(GSI1,))


def test_two_entities_of_one_type_are_refused_by_both_names() -> None:
    on = table()
    one = declare(on, {"id": str}, PrimaryKey("ONE#{id}", "ONE"), entity_type="same")
    with pytest.raises(DefinitionError, match="share the entity type 'same'") as caught:
        declare(on, {"id": str}, PrimaryKey("TWO#{id}", "TWO"), entity_type="same")
    assert caught.value.entities[1] == one.__name__
    assert all(name in str(caught.value) for name in caught.value.entities)
    assert list(on.entities) == ["same"]


OVERLAPS = {
    "the same key": ("A#{id}", "A", "A#{id}", "A"),
    "a component meets a literal": ("A#{id}", "A", "A#{id}", "{kind}"),
    "a sort key under another's prefix": ("A#{id}", "B#{kind}", "A#{id}", "B#C#{kind}"),
    "partitions that can be equal": ("A#{id}", "B#{kind}", "{kind}#{id}", "B#{kind}"),
    "a whole key": ("{id}", "A", "B#{id}", "A"),
    "a whole sort key": ("A#{id}", "{kind}", "A#{id}", "B"),
}


@pytest.mark.parametrize("case", OVERLAPS)
@pytest.mark.parametrize("index", [None, GSI1])
def test_key_spaces_that_meet_are_refused_by_both_names(case: str, index: SecondaryIndex | None) -> None:
    on, fields = table(), {"id": str, "kind": str}
    one, one_sort, other, other_sort = OVERLAPS[case]
    if index is None:
        first = declare(on, fields, PrimaryKey(one, one_sort))
        again: Callable[[], Any] = lambda: declare(on, fields, PrimaryKey(other, other_sort))  # noqa: E731
    else:
        first = declare(on, fields, PrimaryKey("ONE#{id}", "ONE"), by=Index(index, one, one_sort))
        again = lambda: declare(on, fields, PrimaryKey("TWO#{id}", "TWO"), by=Index(index, other, other_sort))  # noqa: E731
    place = "the primary key" if index is None else "GSI1"
    with pytest.raises(DefinitionError, match=f"overlap in {place}") as caught:
        again()
    assert first.__name__ in caught.value.entities
    assert len(caught.value.entities) == 2
    assert all(re.search(rf"\b{name}\b", str(caught.value)) for name in caught.value.entities)
    assert len(on.entities) == 1


def test_a_partition_that_could_be_a_unique_sentinel_is_refused() -> None:
    on = table()
    declare(on, {"id": str, "name": str}, PrimaryKey("ONE#{id}", "ONE"), entity_type="one", only=Unique("name"))
    with pytest.raises(DefinitionError, match=r"can be a unique sentinel of"):
        declare(on, {"a": str, "b": str, "c": str, "id": str}, PrimaryKey("{a}#{b}#{c}#{id}", "TWO"))


def test_entities_of_different_tables_never_meet() -> None:
    one, other = (declare(table(), {"id": str}, PrimaryKey("THING#{id}", "THING")) for _ in range(2))
    assert one.definition().table is not other.definition().table


@pytest.mark.parametrize("known", TABLES, ids=lambda known: known.name)
def test_the_entities_of_the_domain_do_not_meet(known: Table) -> None:
    import aircraftops_data.entities  # noqa: F401 - declares them

    definitions = list(known.entities.values())
    for one in definitions:
        for other in definitions:
            check_pair(one, other)


def reload(on: Table, entity_type: str, partition: str) -> type[Entity]:
    """The same class, declared again."""

    class Again(Entity, table=on, entity_type=entity_type):
        id: str
        primary = PrimaryKey(partition, "AGAIN")

    return Again


def test_the_same_class_declared_again_takes_its_own_place() -> None:
    on = table()
    first, second = reload(on, "again", "A#{id}"), reload(on, "again", "B#{id}")
    assert first is not second
    assert on.entities["again"].entity is second
    assert second.primary(id="1").partition == {"S": "B#1"}


def test_a_class_declared_again_under_another_type_leaves_nothing_behind() -> None:
    on = table()
    reload(on, "old", "A#{id}")
    second = reload(on, "new", "A#{id}")
    assert {name: known.entity for name, known in on.entities.items()} == {"new": second}


def test_a_class_that_failed_leaves_nothing_behind() -> None:
    on = table()
    with pytest.raises(DefinitionError):
        declare(on, {"id": str}, PrimaryKey("A#{other}", "A"))
    assert on.entities == {}


# Random pairs

FIELDS = {"one": str, "two": str, "three": str}
WORDS = st.sampled_from(["JOB", "JOBS", "A", "AB", "B73", "", "#", "A#JOB", "$"])
VALUES = st.fixed_dictionaries(dict.fromkeys(FIELDS, WORDS))
KEYS = st.builds(PrimaryKey, templates(), templates())


@given(KEYS, KEYS, st.lists(VALUES, min_size=1, max_size=4), st.lists(VALUES, min_size=1, max_size=6))
def test_entities_that_pass_the_check_never_appear_in_one_anothers_queries(
    key: PrimaryKey, other_key: PrimaryKey, asked: list[dict[str, str]], held: list[dict[str, str]]
) -> None:
    on = table()
    try:
        one, other = (declare(on, FIELDS, declared) for declared in (key, other_key))
    except DefinitionError:
        assume(False)
    for mine, theirs in ((one, other), (other, one)):
        stored = [theirs.definition().primary.build(values) for values in held if has_keys(theirs, values)]
        for query in (query for values in asked if has_keys(mine, values) for query in queries(mine, values)):
            assert not any(selects(query, key) for key in stored)


def has_keys(entity: Any, values: dict[str, str]) -> bool:
    """Whether an item of these values can be stored: no key is empty."""
    return all(part.template.build(values) for part in entity.definition().primary.parts)


def queries(entity: Any, values: dict[str, str]) -> Iterator[KeyQuery[Any]]:
    """Every kind of query of an entity with these components: as far as given, and open on the next one."""
    key = entity.definition().primary
    known = {name: values[name] for name in key.partition.template.components}
    open_to = [name for name in key.sort.template.components if name not in known]
    for name in open_to:
        query, value = entity.primary(**known), values[name]
        yield from (query, query.starts_with(**{name: value[:1]}), query.between(**{name: (value, value)}))
        yield from (query.at_least(**{name: value}), query.at_most(**{name: value}))
        known[name] = value
    yield entity.primary(**known)

"""What an entity class may say: every mistake is a DefinitionError where it is declared, and names those concerned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Optional

import pytest
from pydantic import AwareDatetime, Field, ValidationError

from aircraftops_data import GSI1, GSI2, GSI3, Entity, Index, KeyAttribute, PrimaryKey, Table, Unique
from aircraftops_data.errors import DefinitionError
from aircraftops_data.model.declarations import upgrader
from aircraftops_data.model.schema import ManagedAttributes
from throwaway import declare

PRIMARY = PrimaryKey("THING#{id}", "THING")


def table(**options: Any) -> Table:
    """A table with two indexes and nothing declared on it."""
    return Table("Things", **{"indexes": (GSI1, GSI2), "ttl_attribute": "delete_at", **options})


def thing(
    fields: dict[str, Any] | None = None, primary: PrimaryKey = PRIMARY, on: Table | None = None, **body: Any
) -> Any:
    """An entity on a table of its own."""
    return declare(on or table(), {"id": str, **(fields or {})}, primary, **body)


def lift(values: dict[str, Any]) -> dict[str, Any]:
    """An upgrader that has nothing to do."""
    return values


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NUMBERED = Table("Numbered", KeyAttribute("id"), KeyAttribute("at", "N"))
BINARY = Table("Binary", KeyAttribute("id", "B"), None)
FLAT = Table("Flat", sort_key=None)

WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "an unknown component": (lambda: thing(primary=PrimaryKey("THING#{key}", "T")), "'key' .* is not a field"),
    "an unknown component of an index": (
        lambda: thing(by=Index(GSI1, "BY#{colour}", "THING#{id}")),
        "'colour' .* is not a field",
    ),
    "the version in a key": (lambda: thing(by=Index(GSI1, "V", "V#{version:9}")), "'version' changes by itself"),
    "updated_at in a key": (lambda: thing(by=Index(GSI1, "V", "V#{updated_at}")), "'updated_at' changes by itself"),
    "expires_at in a key": (lambda: thing(by=Index(GSI1, "V", "V#{expires_at}")), "'expires_at' changes by itself"),
    "created_at in the primary key": (
        lambda: thing(primary=PrimaryKey("THING#{id}", "T#{created_at}")),
        "'created_at' may be None",
    ),
    "None in the primary key": (
        lambda: thing({"at": str | None}, PrimaryKey("THING#{id}", "T#{at}")),
        "'at' may be None",
    ),
    "an optional in the primary key": (
        lambda: thing({"at": Optional[str]}, PrimaryKey("THING#{id}", "T#{at}")),  # noqa: UP045
        "'at' may be None",
    ),
    "an annotated optional in the primary key": (
        lambda: thing({"at": Annotated[str | None, Field()]}, PrimaryKey("THING#{id}", "T#{at}")),
        "'at' may be None",
    ),
    "a number without a width": (lambda: thing({"n": int}, by=Index(GSI1, "N", "N#{n}")), "'n' .* needs a width"),
    "a decimal without a scale": (
        lambda: thing({"n": Decimal}, by=Index(GSI1, "N", "N#{n:5}")),
        "'n' .* needs a scale",
    ),
    "a list in a key": (lambda: thing({"n": list[str]}, by=Index(GSI1, "N", "N#{n}")), "'n' .* cannot be"),
    "a broken template": (lambda: thing(primary=PrimaryKey("THING{id}", "T")), "Key template 'THING{id}'"),
    "an index the table lacks": (lambda: thing(by=Index(GSI3, "BY", "THING#{id}")), "Things has no index GSI3"),
    "an index used twice": (
        lambda: thing(by=Index(GSI1, "BY", "THING#{id}"), too=Index(GSI1, "TOO", "THING#{id}")),
        "by and too both use GSI1|too and by both use GSI1",
    ),
    "an index without the sort key it has": (lambda: thing(by=Index(GSI1, "BY#{id}")), "GSI1 has a sort key"),
    "a primary key without the sort key": (lambda: thing(primary=PrimaryKey("THING#{id}")), "Things has a sort key"),
    "a sort key where there is none": (lambda: thing(on=FLAT), "Flat has no sort key"),
    "a number key of several segments": (
        lambda: thing({"at": int}, PrimaryKey("{id}", "AT#{at}"), NUMBERED),
        "one component alone",
    ),
    "a number key without a component": (lambda: thing({}, PrimaryKey("{id}", "AT"), NUMBERED), "one component alone"),
    "a number key of text": (lambda: thing({"at": str}, PrimaryKey("{id}", "{at}"), NUMBERED), "'at' .* type N"),
    "a binary key of a number": (lambda: declare(BINARY, {"id": int}, PrimaryKey("{id}")), "'id' .* type B"),
    "two primary keys": (lambda: thing(other=PrimaryKey("OTHER#{id}", "OTHER")), "one PrimaryKey, this has 2"),
    "a unique over an unknown field": (lambda: thing(only=Unique("colour")), "'colour' .* is not a field"),
    "a unique over nothing": (lambda: thing(only=Unique()), "[Uu]nique|Key template"),
    "a unique over a list": (lambda: thing({"n": list[str]}, only=Unique("n")), "'n' .* cannot be"),
    "a unique where keys are numbers": (
        lambda: thing({"at": int, "name": str}, PrimaryKey("{id}", "{at}"), NUMBERED, only=Unique("name")),
        "Unique needs a table whose primary key is text",
    ),
    "the same unique twice": (lambda: thing({"n": str}, only=Unique("n"), too=Unique("n")), "[Uu]nique|twice|overlap"),
    "a field stored as the version": (
        lambda: thing({"n": Annotated[int, Field(alias="version")]}),
        "two fields are stored under one attribute|'version' is kept by the library",
    ),
    "a field stored as the entity type": (
        lambda: thing({"n": Annotated[str, Field(alias="entity_type")]}),
        "'entity_type' is kept by the library",
    ),
    "a field stored as the expiry": (
        lambda: thing({"n": Annotated[str, Field(alias="delete_at")]}),
        "two fields are stored under one attribute|'delete_at' is kept by the library",
    ),
    "a field stored as a key": (lambda: thing({"PK": str}), "'PK' is a key attribute of Things"),
    "a field stored as an index key": (lambda: thing({"GSI2SK": str}), "'GSI2SK' is a key attribute of Things"),
    "two fields stored as one": (
        lambda: thing({"n": Annotated[str, Field(alias="m")], "m": str}),
        "two fields are stored under one attribute",
    ),
    "a field left out when written": (
        lambda: thing({"n": Annotated[list[int], Field(exclude=True)]}),
        "excluded would not be stored",
    ),
    "a field with a name every entity has": (lambda: thing({"f": str}), "every entity has 'f' already"),
    "a field with the name of a method": (lambda: thing({"identity": str}), "every entity has 'identity' already"),
}


@pytest.mark.filterwarnings("ignore:Field name")
@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_refused_where_it_is_made(case: str) -> None:
    make, why = WRONG[case]
    with pytest.raises(DefinitionError, match=why):
        make()


@pytest.mark.filterwarnings("ignore:Field name")
@pytest.mark.parametrize("case", [case for case in WRONG if case != "a broken template"])
def test_a_mistake_is_told_with_the_name_of_the_class(case: str) -> None:
    with pytest.raises(DefinitionError, match="Throwaway"):
        WRONG[case][0]()


def test_an_entity_without_a_primary_key_is_refused() -> None:
    with pytest.raises(DefinitionError, match="Lost: an entity has one PrimaryKey, this has 0"):

        class Lost(Entity, table=table(), entity_type="lost"):
            id: str


def test_a_class_names_both_its_table_and_its_type_or_neither() -> None:
    with pytest.raises(DefinitionError, match="Half: give both"):

        class Half(Entity, table=table()):
            id: str

    with pytest.raises(DefinitionError, match="Other: give both"):

        class Other(Entity, entity_type="other"):
            id: str


def test_a_table_with_two_indexes_of_one_name_is_refused() -> None:
    with pytest.raises(DefinitionError, match="Things: two indexes have one name: GSI1, GSI1"):
        Table("Things", indexes=(GSI1, GSI1))


@pytest.mark.parametrize("known", [(), (1,), (1, 3), (1, 2, 3), (0, 1, 2), (2,)])
def test_upgraders_lead_from_every_version_to_the_next(known: tuple[int, ...]) -> None:
    namespace: dict[str, Any] = {f"from_{version}": upgrader(version)(lift) for version in known}

    def make() -> Any:
        base = type("Versioned", (Entity,), {"__annotations__": {"id": str}, "primary": PRIMARY, **namespace})

        class Current(base, table=table(), entity_type="thing", schema_version=3):  # type: ignore[misc, valid-type]
            pass

        return Current

    if known == (1, 2):
        assert sorted(make().definition().upgraders) == [1, 2]
        return
    with pytest.raises(DefinitionError, match="schema_version 3 needs one upgrader from each version below it"):
        make()


# What is allowed


def test_created_at_and_instants_may_be_part_of_an_index_key() -> None:
    made = thing({"seen_at": AwareDatetime | None}, by=Index(GSI1, "SEEN", "{created_at}#{seen_at}"))
    assert made.definition().indexes[0].components == ("created_at", "seen_at")


def test_a_base_class_is_stored_nowhere_but_its_children_are() -> None:
    class Base(Entity):
        id: str
        primary = PRIMARY

    class Child(Base, table=table(), entity_type="child"):
        colour: str | None = None
        by_colour = Index(GSI1, "COLOUR#{colour}", "THING#{id}")

    with pytest.raises(DefinitionError, match="Base is a base class"):
        Base.definition()
    assert Child.definition().primary.components == ("id",)
    assert Child.definition().indexes[0].name == "by_colour"


def test_a_child_of_an_entity_without_a_table_of_its_own_is_a_base_class() -> None:
    parent = thing()

    class Child(parent):  # type: ignore[misc, valid-type]
        pass

    with pytest.raises(DefinitionError, match="Child is a base class"):
        Child.definition()
    assert parent.definition().entity is parent


def test_the_most_derived_declaration_of_a_key_wins() -> None:
    class Base(Entity):
        id: str
        primary = PrimaryKey("OLD#{id}", "OLD")

    class Child(Base, table=table(), entity_type="child"):
        primary = PrimaryKey("NEW#{id}", "NEW")

    assert Child.primary(id="1").partition == {"S": "NEW#1"}


def test_a_field_may_be_stored_as_a_key_that_holds_nothing_else() -> None:
    foreign = Table("Foreign", KeyAttribute("id"), KeyAttribute("year", "N"))
    made = declare(foreign, {"id": str, "year": int}, PrimaryKey("{id}", "{year}"))
    assert made.definition().attributes["id"] == "id"


def test_a_table_may_call_what_the_library_keeps_by_other_names() -> None:
    managed = ManagedAttributes(entity_type="_t", version="_v")
    made = thing({"entity_type": str, "version_name": Annotated[str, Field(alias="v")]}, on=table(managed=managed))
    attributes = made.definition().attributes
    assert (attributes["entity_type"], attributes["version"], attributes["version_name"]) == ("entity_type", "_v", "v")


def test_without_a_ttl_attribute_the_expiry_is_stored_nowhere() -> None:
    assert "expires_at" not in thing(on=table(ttl_attribute=None)).definition().attributes
    assert thing().definition().attributes["expires_at"] == "delete_at"


def test_a_type_of_the_enclosing_function_is_found() -> None:
    Number = Annotated[int, Field(ge=0)]

    class Counted(Entity, table=table(), entity_type="counted"):
        id: Number
        other: Counted | None = None
        primary = PrimaryKey("R#{id:3}", "R")

    assert Counted.primary(id=5).partition == {"S": "R#005"}
    assert Counted(id=1, other=Counted(id=2)).other == Counted(id=2)


def test_a_type_that_is_not_known_yet_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"Early.*Unheard"):

        class Early(Entity, table=table(), entity_type="early"):
            id: Unheard  # type: ignore[name-defined]  # noqa: F821
            primary = PRIMARY


def test_an_entity_cannot_be_changed_and_takes_no_field_it_has_not() -> None:
    made = thing({"colour": str})
    one = made(id="1", colour="red")
    with pytest.raises(ValidationError, match="frozen"):
        one.colour = "blue"
    with pytest.raises(ValidationError, match="size"):
        made(id="1", colour="red", size=5)
    assert hash(one) == hash(made(id="1", colour="red"))


def test_identity_and_content_leave_out_what_the_library_keeps() -> None:
    made = thing({"colour": str})
    one = made(id="1", colour="red", version=3)
    assert one.identity() == {"id": "1"}
    assert one.content() == {"id": "1", "colour": "red", "expires_at": None}
    assert one.content() == one.model_copy(update={"version": 4, "created_at": NOON}).content()


@pytest.mark.parametrize("entity_type", ["", "a#b", "{id}", "unique"])
def test_an_entity_type_is_a_plain_word(entity_type: str) -> None:
    on = table()
    with pytest.raises(DefinitionError, match="Plain"):

        class Plain(Entity, table=on, entity_type=entity_type):
            id: str
            primary = PRIMARY

"""A record is told apart by type and key, read as its entity, and says what changed; what is bad is poison at once."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from pickle import dumps, loads
from typing import Any

import pytest
from pydantic import BaseModel

from aircraftops_data import Aircraft, Entity, PrimaryKey, Table
from aircraftops_data.errors import DefinitionError
from aircraftops_data.model.declarations import upgrader
from aircraftops_data.streams import Cause, Change, Decoder, Operation, Poison, PoisonKind, decode
from aircraftops_data.streams.encoding import written
from throwaway import declare

HANGARS = Table("Hangars", ttl_attribute="delete_at")
OTHERS = Table("Others")
FOREIGN = Table("Foreign", typed=False)
Inner = declare(HANGARS, {"id": str}, PrimaryKey("I#{id}", "I"))
Plane = declare(
    HANGARS,
    {"id": str, "size": Decimal, "tags": set[str], "note": str | None, "deep": dict[str, Any], "on": bool},
    PrimaryKey("P#{id}", "P#{size:9.2}"),
    tags=frozenset(),
    note=None,
    deep={},
    on=False,
)
Same = declare(OTHERS, {"id": str}, PrimaryKey("I#{id}", "I"))
Stranger = declare(FOREIGN, {"id": str, "name": str}, PrimaryKey("{id}", "S"))
ONE = Plane(id="1", size=Decimal("1.50"), tags={"a", "b"})


def record(old: Any, new: Any, **given: Any) -> dict[str, Any]:
    return written(old, new, **{"table": "t-Hangars", "sequence": 5, **given})


def only(raw: Any, *entities: type[Entity]) -> Change[Any] | Poison:
    (found,) = decode([raw], entities)
    return found


def change(raw: Any, *entities: type[Entity]) -> Change[Any]:
    found = only(raw, *entities)
    assert isinstance(found, Change), found
    return found


def poison(raw: Any, *entities: type[Entity]) -> tuple[PoisonKind, str]:
    found = only(raw, *entities)
    assert isinstance(found, Poison), found
    return found.kind, found.reason


# Which entity


def test_a_record_is_of_the_entity_that_its_type_says() -> None:
    for entity in (ONE, Inner(id="1")):
        found = change(record(None, entity), Plane, Inner)
        assert (found.entity, found.new) == (type(entity), entity)


def test_without_an_image_the_key_tells_of_which_entity_a_record_is() -> None:
    raw = record(ONE, None, view="KEYS_ONLY")
    found = change(raw, Inner, Plane)
    assert (found.entity, found.old, found.changed) == (Plane, None, None)
    assert found.identity == {"id": "1", "size": Decimal("1.5")}
    assert change(raw, Inner).entity is None


def test_a_record_of_none_of_the_entities_has_plain_images() -> None:
    found = change(record(ONE, ONE.model_copy(update={"note": "x"})), Inner)
    assert found.entity is None
    assert found.new["tags"] == {"a", "b"}
    assert (found.changed, found.identity) == ({"note"}, {})


def test_the_entities_may_be_of_several_tables() -> None:
    assert change(record(None, Same(id="1"), table="t-Others"), Plane, Same).entity is Same
    assert change(record(None, Inner(id="1")), Inner, Same).entity is Inner


def test_keys_that_two_tables_share_are_told_apart_by_the_table_s_name() -> None:
    raw = record(Inner(id="1"), None, view="KEYS_ONLY")
    assert change(raw, Same, Inner).entity is Inner
    unknown = {name: value for name, value in raw.items() if name != "eventSourceARN"}
    kind, reason = poison(unknown, Same, Inner)
    assert kind is PoisonKind.CORRUPT_ENTITY
    assert "could be one of" in reason


def test_an_item_of_a_table_without_types_is_told_by_its_key() -> None:
    stored = Stranger(id="x#y", name="n")
    found = change(record(None, stored, table="Foreign"), Stranger, Plane)
    assert (found.entity, found.new, found.identity) == (Stranger, stored, {"id": "x#y"})


def test_an_item_that_holds_a_unique_value_is_nobody_s() -> None:
    image = {"PK": {"S": "UNIQUE#aircraft#registration#N1"}, "SK": {"S": "UNIQUE"}, "entity_type": {"S": "unique"}}
    raw = record(None, ONE)
    raw["dynamodb"] |= {"NewImage": image, "Keys": {name: image[name] for name in ("PK", "SK")}}
    assert change(raw, Aircraft, Plane).entity is None


def test_a_type_and_a_key_that_contradict_are_poison() -> None:
    raw = record(None, ONE)
    raw["dynamodb"]["Keys"]["SK"] = {"S": "I"}
    assert poison(raw, Plane, Inner)[0] is PoisonKind.CORRUPT_ENTITY
    for entity_type in ({"S": Inner.definition().entity_type}, None):
        raw = record(None, ONE)
        raw["dynamodb"]["NewImage"]["entity_type"] = entity_type or {"NULL": True}
        kind, reason = poison(raw, Plane)
        assert (kind, "The key is one of" in reason) == (PoisonKind.CORRUPT_ENTITY, True)


def test_a_key_that_only_looks_like_an_entity_s_is_poison_at_once() -> None:
    raw = record(ONE, None, view="KEYS_ONLY")
    raw["dynamodb"]["Keys"]["SK"] = {"S": "P#many"}
    assert poison(raw, Plane)[0] is PoisonKind.CORRUPT_ENTITY


def test_a_class_that_is_stored_nowhere_is_refused() -> None:
    with pytest.raises(DefinitionError):
        Decoder([Entity])


# Images


def test_an_image_that_does_not_fit_is_poison_and_tells_nothing_of_what_it_holds() -> None:
    raw = record(None, ONE)
    raw["dynamodb"]["NewImage"]["on"] = {"S": "secret"}
    kind, reason = poison(raw, Plane)
    assert kind is PoisonKind.CORRUPT_ENTITY
    assert "@ on" in reason
    assert "secret" not in reason


def test_an_old_image_of_another_entity_is_poison() -> None:
    raw = record(ONE, ONE)
    raw["dynamodb"]["OldImage"]["entity_type"] = {"S": Inner.definition().entity_type}
    assert poison(raw, Plane)[0] is PoisonKind.CORRUPT_ENTITY


@pytest.mark.parametrize("image", ["OldImage", "NewImage"])
@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("note", {"S": None}),
        ("note", {}),
        ("note", {"S": "x", "N": "1"}),
        ("unknown to the entity", {"S": "x", "N": "1"}),
        ("size", {"N": "many"}),
        ("deep", {"M": {"a": {"L": [{"S": "x", "NULL": True}]}}}),
        ("deep", {"M": {"a": {"S": None}}}),
        ("deep", {"M": {"a": {"NULL": False}}}),
        ("tags", {"SS": "ab"}),
    ],
    ids=repr,
)
def test_a_value_with_no_type_set_or_two_is_poison(image: str, attribute: str, value: Any) -> None:
    raw = record(ONE, ONE)
    raw["dynamodb"][image][attribute] = value
    assert poison(raw, Plane)[0] is PoisonKind.BAD_VALUE


Loose = declare(
    HANGARS,
    {"id": str, "any": Any, "text": str, "on": bool, "count": int, "length": float, "parts": list[str]},
    PrimaryKey("L#{id}", "L"),
    any=None,
    text="",
    on=False,
    count=0,
    length=0.0,
    parts=[],
)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("any", {"N": 1.5}),
        ("any", {"N": "sNaN"}),
        ("any", {"NS": ["NaN"]}),
        ("any", {"NS": "12"}),
        ("any", {"SS": "ab"}),
        ("any", {"SS": [1]}),
        ("any", {"L": {}}),
        ("length", {"N": "NaN"}),
        ("length", {"N": "1E999"}),
        ("on", {"BOOL": "yes"}),
        ("text", {"S": b"x"}),
        ("parts", {"L": [{"S": b"x"}]}),
    ],
    ids=repr,
)
def test_a_value_of_another_kind_than_its_type_says_is_poison(attribute: str, value: Any) -> None:
    raw = record(None, Loose(id="1"))
    raw["dynamodb"]["NewImage"][attribute] = value
    assert poison(raw, Loose)[0] is PoisonKind.BAD_VALUE
    assert poison(raw)[0] is PoisonKind.BAD_VALUE


@pytest.mark.parametrize("awsRegion", ["eu-west-1", "ddblocal"])
@pytest.mark.parametrize("entities", [(), (Loose,)], ids=["no entity", "an entity"])
def test_values_are_nested_as_deeply_as_dynamodb_lets_them_and_no_deeper(
    entities: tuple[type[Entity], ...], awsRegion: str
) -> None:
    raw = record(None, Loose(id="1")) | {"awsRegion": awsRegion}
    image = raw["dynamodb"]["NewImage"]
    for _ in range(31):
        image["any"] = {"L": [image.get("any", {"S": "x"})]}
    assert isinstance(only(raw, *entities), Change)
    for _ in range(3000):
        image["any"] = {"M": {"a": image["any"]}}
    assert poison(raw, *entities) == (PoisonKind.BAD_VALUE, "(image) is nested too deeply")


@pytest.mark.parametrize("image", [0, [], False, "", "x"], ids=repr)
@pytest.mark.parametrize("name", ["OldImage", "NewImage"])
def test_an_image_that_is_no_map_is_poison_in_a_record_and_in_a_line_of_an_export(name: str, image: Any) -> None:
    raw = record(ONE, ONE)
    raw["dynamodb"][name] = image
    assert poison(raw, Plane)[0] is PoisonKind.BAD_VALUE
    assert poison({"Metadata": {}, **raw["dynamodb"]}, Plane)[0] is PoisonKind.BAD_VALUE


def test_a_reason_stays_short_however_much_is_wrong() -> None:
    raw = record(None, Loose(id="1"))
    for bad in ({"L": [{"N": "1"}] * 5000}, {"M": {"x" * 50_000: {}}}):
        raw["dynamodb"]["NewImage"]["parts"] = bad
        assert len(poison(raw, Loose)[1]) < 2000


def with_all_types(value: Any) -> Any:
    """An attribute value as serializers write it that know no absence."""
    ((kind, held),) = value.items()
    if kind == "M":
        held = {name: with_all_types(inner) for name, inner in held.items()}
    if kind == "L":
        held = [with_all_types(inner) for inner in held]
    return dict.fromkeys(("S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL"), None) | {"NULL": False, kind: held}


def test_values_written_with_every_type_are_those_that_are_set() -> None:
    new = ONE.model_copy(update={"deep": {"a": [None, True, {"b": 1}]}})
    raw = record(ONE, new)
    body = raw["dynamodb"]
    for image in ("Keys", "OldImage", "NewImage"):
        body[image] = {name: with_all_types(value) for name, value in body[image].items()}
    found = change(raw, Plane)
    assert replace(found, raw={}) == replace(change(record(ONE, new), Plane), raw={})
    assert (found.old, found.new) == (ONE, new)
    assert change(raw).changed == {"deep"}


class Grown(Entity, table=HANGARS, entity_type="grown", schema_version=2):
    """An entity whose first schema called its name otherwise."""

    id: str
    name: str

    primary = PrimaryKey("G#{id}", "G")

    @upgrader(from_version=1)
    def _renamed(values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "name": values["called"]}


def test_images_of_an_older_schema_are_lifted() -> None:
    raw = record(Grown(id="1", name="a"), Grown(id="1", name="b"))
    old = raw["dynamodb"]["OldImage"]
    old["called"] = old.pop("name")
    del old["schema_version"]
    found = change(raw, Grown)
    assert (found.old.name, found.new.name, found.changed) == ("a", "b", {"name"})
    old.pop("called")
    assert poison(raw, Grown)[0] is PoisonKind.CORRUPT_ENTITY


def test_an_entity_whose_rules_raise_what_they_like_is_poison() -> None:
    raw = record(None, Touchy(id="1"))
    raw["dynamodb"]["NewImage"]["id"] = {"S": "no"}
    assert poison(raw, Touchy) == (PoisonKind.CORRUPT_ENTITY, "Touchy does not fit: its rules raise KeyError")


class Touchy(Entity, table=HANGARS, entity_type="touchy"):
    """An entity with a rule that raises what pydantic does not take for a refusal."""

    id: str

    primary = PrimaryKey("T#{id}", "T")

    def model_post_init(self, _: Any, /) -> None:
        if self.id == "no":
            raise KeyError(self.id)


# What changed, and who did it


def test_changed_are_the_fields_with_another_value() -> None:
    later = ONE.model_copy(
        update={"version": 7, "updated_at": datetime.now(UTC), "tags": {"b", "a"}, "size": Decimal("1.5"), "on": True}
    )
    assert change(record(ONE, later), Plane).changed == {"on"}
    expiring = ONE.model_copy(update={"expires_at": datetime(2026, 11, 20, tzinfo=UTC)})
    assert change(record(ONE, expiring), Plane).changed == {"expires_at"}
    assert change(record(ONE, ONE.model_copy(update={"deep": {"a": [1]}})), Plane).changed == {"deep"}


def test_changed_tells_true_from_one() -> None:
    old, new = (ONE.model_copy(update={"deep": {"a": [value]}}) for value in (1, True))
    assert change(record(old, new), Plane).changed == {"deep"}
    assert change(record(old, new)).changed == {"deep"}


class Part(BaseModel):
    """Something inside an entity."""

    held: Any = None


def test_changed_looks_into_what_fields_hold() -> None:
    holder = declare(
        HANGARS, {"id": str, "part": Part, "pair": tuple[Any, ...]}, PrimaryKey("H#{id}", "H"), part=Part(), pair=()
    )
    one, true = (holder(id="1", part=Part(held=[held]), pair=(held,)) for held in (1, True))
    assert change(record(one, true), holder).changed == {"part", "pair"}
    assert change(record(one, one), holder).changed == frozenset()


def test_of_an_insert_and_a_removal_every_field_with_a_value_changed() -> None:
    assert change(record(None, Plane(id="1", size=1)), Plane).changed == {"id", "size", "deep", "on"}
    assert change(record(ONE, None), Plane).changed == {"id", "size", "tags", "deep", "on"}


def test_what_changed_is_unknown_where_an_image_that_would_tell_is_missing() -> None:
    assert change(record(ONE, ONE, view="NEW_IMAGE"), Plane).changed is None
    assert change(record(ONE, ONE, view="OLD_IMAGE"), Plane).changed is None
    assert change(record(None, ONE, view="OLD_IMAGE"), Plane).changed is None
    assert change(record(ONE, None, view="NEW_IMAGE"), Plane).changed is None


@pytest.mark.parametrize(
    ("old", "new", "identity", "cause"),
    [
        (ONE, None, {"type": "Service", "principalId": "dynamodb.amazonaws.com"}, Cause.TTL),
        (ONE, None, {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}, Cause.TTL),
        (None, ONE, {"type": "Service", "principalId": "dynamodb.amazonaws.com"}, Cause.SERVICE),
        (ONE, ONE, {"type": "Service", "principalId": "dynamodb.amazonaws.com"}, Cause.SERVICE),
        (ONE, None, {"type": "Service", "principalId": "replication.dynamodb.amazonaws.com"}, Cause.SERVICE),
        (ONE, None, {"type": "Service"}, Cause.SERVICE),
        (ONE, None, {"type": "AssumedRole", "principalId": "dynamodb.amazonaws.com"}, Cause.USER),
        (ONE, None, None, Cause.USER),
    ],
)
def test_only_a_removal_by_dynamodb_itself_is_by_ttl(old: Any, new: Any, identity: Any, cause: Cause) -> None:
    assert change(record(old, new) | {"userIdentity": identity}, Plane).cause is cause


def test_a_removal_that_dynamodb_local_has_no_name_for_is_by_ttl() -> None:
    found = change(record(ONE, None) | {"eventName": "UNKNOWN_TO_SDK_VERSION"}, Plane)
    assert (found.operation, found.cause) == (Operation.REMOVE, Cause.TTL)
    assert poison(record(ONE, ONE) | {"eventName": "UNKNOWN_TO_SDK_VERSION"})[0] is PoisonKind.NOT_A_RECORD


def test_sequence_numbers_are_compared_as_numbers() -> None:
    raw = record(None, ONE)
    raw["dynamodb"]["SequenceNumber"] = "000000000000000000009"
    assert (change(raw).sequence or 0) < 10


# A change


def test_a_change_cannot_be_changed_and_is_as_if_made_by_its_class() -> None:
    found = change(record(None, ONE), Plane)
    with pytest.raises(FrozenInstanceError):
        found.table = "x"  # type: ignore[misc]
    made = Change(**{field.name: getattr(found, field.name) for field in fields(found)})
    assert made == found
    assert type(made) is type(found) is Change
    assert repr(made) == repr(found)
    assert loads(dumps(replace(found, entity=None, new=None))) == replace(found, entity=None, new=None)


def test_changes_are_equal_if_they_say_the_same_however_they_were_written() -> None:
    raw = record(None, ONE)
    assert change(raw, Plane) == change({**raw, "eventVersion": "1.0"}, Plane)
    assert change(raw, Plane) != change(record(None, ONE, sequence=6), Plane)

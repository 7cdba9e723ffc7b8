"""Compiled writing is the plain way written out: the same item for any entity, and the same refusal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_serializer, model_serializer

from aircraftops_data import GSI1, GSI2, Entity, Index, KeyAttribute, PrimaryKey, SecondaryIndex, Table, upgrader
from aircraftops_data.errors import InvalidKeyError, InvalidValueError
from aircraftops_data.model.definition import MANAGED_FIELDS, EntityDefinition, Item
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.translation.key_writing import key_writer
from aircraftops_data.translation.values import check_nesting, decode_value, encode_value
from kinds import LEAVES, SETS, Away, Kind, Point, Strange, Tree, entities, every_shape, spelled
from strategies import KINDS, Deck, Step, numbers, templates, texts, zoned
from strategies import Kind as KeyKind
from throwaway import declare

NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)


def outcome(write: Callable[[], Item]) -> Any:
    """The item with the types of everything in it, or the error in full."""
    try:
        item = write()
    except InvalidValueError as error:
        return type(error), str(error), error.problems
    except InvalidKeyError as error:
        return type(error), str(error), error.component
    except (ValueError, AttributeError, TypeError) as error:
        return type(error)
    return spelled(dict(sorted(item.items())))


# The plain way


def plain_item(entity: Entity) -> Item:
    """An entity's item by pydantic's serializer, one field after the other, and each key by itself."""
    definition = entity.definition()
    item: Item = {}
    for name, attribute in definition.attributes.items():
        stored = None if name in MANAGED_FIELDS else plain_field(entity, name)
        item |= {} if stored is None else {attribute: stored}
    item |= plain_expiry(entity)
    for key in definition.keys:
        item |= key.build(entity.__dict__) or {}
    managed = definition.table.managed
    item |= {managed.entity_type: {"S": definition.entity_type}} if definition.table.typed else {}
    item |= {managed.schema_version: encode_value(definition.schema_version)} if definition.schema_version > 1 else {}
    item[managed.version] = encode_value(entity.version)
    instants = {managed.created_at: entity.created_at, managed.updated_at: entity.updated_at}
    return item | {name: encode_value(instant) for name, instant in instants.items() if instant is not None}


def plain_field(entity: Entity, name: str) -> Any:
    """One field's attribute value; None where nothing is stored."""
    (value,) = entity.model_dump(include={name}, by_alias=True, warnings=False).values()
    field = type(entity).model_fields[name]
    if value is None and field.default is None:
        return None
    try:
        if isinstance(value, AbstractSet) and not value:
            if always_a_set(field.annotation):
                return None
            raise InvalidValueError("DynamoDB has no empty set; use None for none")
        return check_nesting(encode_value(value))
    except InvalidValueError as error:
        place = f"{type(entity).__name__}.{name}: {error.message}"
        raise InvalidValueError(place, problems=(f"{error.message} @ {name}",)) from error


def always_a_set(annotation: Any) -> bool:
    """Whether a field is a set and never None."""
    return getattr(annotation, "__origin__", annotation) in (set, frozenset)


def plain_expiry(entity: Entity) -> Item:
    """The TTL attribute."""
    definition = entity.definition()
    if entity.expires_at is None:
        return {}
    if definition.table.ttl_attribute is None:
        raise InvalidValueError(f"{definition.name}: {definition.table.name} has no TTL attribute")
    return {definition.table.ttl_attribute: {"N": f"{entity.expires_at.timestamp():.0f}"}}


# Fields


@st.composite
def field_values(draw: st.DrawFn, entity: Any, name: str, kind: Kind) -> Any:
    """A value a field takes, as the field makes it."""
    values = kind.values.map(decode_value) if kind.annotation is Any else kind.values
    for _ in range(20):
        with suppress(ValidationError):
            return entity.definition().validators.validate(name, draw(values))
    return reject()


@st.composite
def instances(draw: st.DrawFn, entity: Any, fields: dict[str, Kind]) -> Any:
    """An entity whose fields are all valid."""
    held = {name: draw(field_values(entity, name, kind)) for name, kind in fields.items()}
    held |= {"id": draw(texts()), "version": draw(st.integers(0, 10**20))}
    held |= {name: draw(st.none() | zoned()) for name in ("created_at", "updated_at", "expires_at")}
    held |= {"group": draw(st.none() | texts())} if "group" in entity.model_fields else {}
    managed = {name: entity.definition().validators.validate(name, held[name]) for name in held}
    return entity.model_construct(**managed)


@given(st.data())
def test_an_entity_is_written_as_the_plain_way_writes_it(data: st.DataObject) -> None:
    entity, fields = data.draw(entities())
    codec = codec_of(entity.definition())
    one = data.draw(instances(entity, fields))
    assert outcome(lambda: codec.item(one)) == outcome(lambda: plain_item(one))


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("place", range(len(LEAVES + SETS)))
@settings(max_examples=settings().max_examples // 3)
@given(data=st.data())
def test_a_field_of_any_kind_is_written_alike_alone_in_lists_and_in_maps(
    place: int, alone: bool, data: st.DataObject
) -> None:
    entity, fields = every_shape(place, alone=alone)
    codec = codec_of(entity.definition())
    one = data.draw(instances(entity, fields))
    assert outcome(lambda: codec.item(one)) == outcome(lambda: plain_item(one))


@given(st.data())
def test_a_field_by_itself_is_written_as_in_the_whole_item(data: st.DataObject) -> None:
    entity, fields = data.draw(entities())
    codec = codec_of(entity.definition())
    one = data.draw(instances(entity, fields))
    for name in fields:
        alone = outcome(lambda name=name: {"it": codec.field(name, getattr(one, name))})
        assert alone == outcome(lambda name=name: {"it": plain_field(one, name)})


# What a type checker would not let in, and what no field's type promises


class Sub(str):
    """A text of a class of its own."""


class Count(int):
    """A number of a class of its own."""


class Day(date):
    """A day of a class of its own."""


class Moment(datetime):
    """An instant of a class of its own."""


def _deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


AWKWARD: list[Any] = [
    *("\ud800", "a\udfffb", "", "\x00", "é", Sub("sub"), Sub("\ud800"), Sub("é"), Deck.UPPER, Step.ON),
    *(
        True,
        0,
        -0.0,
        1.5,
        float("nan"),
        float("inf"),
        1e300,
        10**37,
        10**38 - 1,
        1 - 10**38,
        10**38,
        -(10**38),
        10**5000,
    ),
    *(Count(7), Count(10**38), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("-0"), Decimal("1.10")),
    *(Decimal("1E+125"), Decimal("1E+126"), Decimal("1E-130"), Decimal("1E-131"), Decimal("1." + 38 * "1")),
    *(None, b"", b"\xff", bytearray(b"x"), memoryview(b"y"), "\U0001f6e9", 1j, object, object(), SecretStr("secret")),
    *(datetime(2026, 1, 1), datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=3))), NOW),  # noqa: DTZ001 - on purpose
    *(
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-3), "home")),
        datetime(33, 1, 1, tzinfo=UTC),
        date(33, 1, 1),
    ),
    *(
        NOW.timetz(),
        timedelta(days=-1, microseconds=1),
        Day(2026, 1, 1),
        Moment(2026, 1, 1, tzinfo=UTC),
        Moment(2026, 1, 1),
    ),
    *(
        set(),
        frozenset(),
        {"a"},
        {"b", "é", "a"},
        {"a", 1},
        {1, Decimal(1), 2.5},
        {b"x"},
        {"\ud800"},
        {Deck.UPPER, "UPPER"},
    ),
    *({None}, {Sub("a"), "b"}, {(1, 2)}, {True}, {Step.ON, 10}, frozenset({"x", "y"}), {float("nan")}, {1, 10**38}),
    *([], ["a", "b"], ["a", 1], ["\ud800"], ["é"], [Sub("a")], [None], [set()], (1, "a"), (), deque([1]), range(2)),
    *(
        {},
        {"a": 1},
        {"": 1},
        {1: "a"},
        {"\ud800": 1},
        {"a": set()},
        {Sub("s"): 1},
        {Deck.UPPER: 1},
        {None: 1},
        {"a": {"": 1}},
    ),
    *(_deep(31), _deep(32), _deep(33), {"a": _deep(31)}, {"a": {"b": _deep(30)}}),
    *(Point(lat=1, lon=2), Away(lat=1, lon=2, home=Point(lat=3, lon=4)), Strange(), Tree(value=1, left=Tree(value=2))),
    Point.model_construct(lat="no number", lon=float("nan"), name="\ud800"),
    Point.model_construct(lat=Decimal("1.5"), lon=True, name=Sub("x")),
    Point.model_construct(lat=1, lon=2, name=set()),
    Point.model_construct(lat=1, lon=2, name=_deep(30)),
    Point.model_construct(lat=1, lon=2, name=Away(lat=1, lon=2)),
    Tree.model_construct(value=None, left=Point(lat=1, lon=2)),
    [Point(lat=1, lon=2), Away(lat=1, lon=2)],
    {"a": Away(lat=1, lon=2)},
]


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("place", range(len(LEAVES + SETS)))
def test_what_a_field_should_not_hold_is_written_or_refused_as_the_plain_way_does(place: int, alone: bool) -> None:
    entity, fields = every_shape(place, alone=alone)
    codec = codec_of(entity.definition())
    for value in AWKWARD:
        for name in fields:
            one = entity.model_construct(**{**dict.fromkeys(fields), "id": "1", name: value})
            assert outcome(lambda one=one: codec.item(one)) == outcome(lambda one=one: plain_item(one)), (name, value)
            alone = outcome(lambda one=one, name=name: {"it": codec.field(name, getattr(one, name))})
            assert alone == outcome(lambda one=one, name=name: {"it": plain_field(one, name)}), (name, value)


def test_a_model_is_written_under_its_aliases_wherever_it_is_compared() -> None:
    assert encode_value([Strange(eins=2)]) == {"L": [encode_value({"kind": "strange", "eins": 2, "second": "UPPER"})]}


def test_a_broken_model_is_refused_without_a_warning_that_quotes_it(recwarn: pytest.WarningsRecorder) -> None:
    with pytest.raises(InvalidValueError):
        encode_value(Point.model_construct(lat=1, lon=Decimal("NaN"), name=5))
    assert not recwarn.list


# Entities that change what is written


class Stand(BaseModel):
    """A model that no other field holds."""

    number: int = 0


class Changed(Entity, table=Table("Changed", indexes=(GSI1,)), entity_type="changed", schema_version=2):
    """Has fields with serializers, aliases and models, and an older shape."""

    id: str
    seats: Annotated[int, Field(alias="Seats")] = 0
    place: Annotated[Point | None, Field(serialization_alias="stored_place")] = None
    names: Annotated[set[str], Field(alias="N")] = set()
    stand: Stand | None = None
    primary = PrimaryKey("ID#{id}", "ID")

    @field_serializer("seats")
    def _as_text(self, value: int) -> str:
        return f"{value} seats"

    @field_serializer("stand")
    def _as_map(self, value: Stand | None) -> Any:
        return "nowhere" if value is None else {"at": value.number}

    @upgrader(1)
    def _same(values: dict[str, Any]) -> dict[str, Any]:
        return values


class Rewritten(Entity, table=Table("Rewritten", indexes=(GSI1,)), entity_type="rewritten"):
    """Has a serializer of its own for the whole."""

    id: str
    place: Point | None = None
    primary = PrimaryKey("ID#{id}", "ID")

    @model_serializer(mode="wrap")
    def _louder(self, usual: Callable[[Any], Any]) -> Any:
        return {name: "shouted" if name == "id" else value for name, value in usual(self).items()}


@pytest.mark.parametrize("entity", [Changed, Rewritten])
@given(st.data())
def test_serializers_and_aliases_of_an_entity_are_heeded(entity: Any, data: st.DataObject) -> None:
    points = st.none() | st.builds(Point, lat=st.floats(-90, 90), lon=st.just(0.5)) | st.just(Away(lat=1, lon=2))
    drawn = {"place": points, "stand": st.none() | st.builds(Stand), "version": st.integers(0, 9)}
    one = entity.model_construct(id=data.draw(texts()), **data.draw(st.fixed_dictionaries(drawn)))
    assert outcome(lambda: codec_of(entity.definition()).item(one)) == outcome(lambda: plain_item(one))


# Keys


KEY_VALUES = [
    *("\ud800", "#", "a#b", "%", "%23", "\x00", "\x7f", "é", "\U0010ffff", "", "a" * 255, "a" * 256, "a" * 257),
    *("a" * 511, "a" * 512, "a" * 513, "é" * 512, "é" * 513, "a" * 1024, "a" * 1025, "a" * 2048, "a" * 2049),
    *("#" * 342, "#" * 683, "\U0001f6e9" * 256, "\U0001f6e9" * 513, Sub("sub"), Sub("é#"), Deck.ODD, Step.ON, Count(5)),
    *(None, True, 0, -1, 10**38, 1.5, float("nan"), Decimal("NaN"), Decimal("1.10"), b"", b"x" * 1025, b"x" * 2049),
    *(NOW, datetime(2026, 1, 1), date(2026, 1, 1), ["x"], object(), 10**5000),  # noqa: DTZ001 - a naive one on purpose
]


PLAIN_KEYS = SecondaryIndex("ByNumber", KeyAttribute("NumberKey", "N"), KeyAttribute("RawKey", "B"))


@st.composite
def keyed(draw: st.DrawFn) -> tuple[EntityDefinition, dict[str, st.SearchStrategy[Any]]]:
    """An entity with keys of any templates over components of any kinds, and values of its fields."""
    kinds: dict[str, KeyKind] = {name: draw(st.sampled_from(KINDS)) for name in ("one", "two", "three")}
    table = Table("Keys", indexes=(GSI1, GSI2, PLAIN_KEYS), escape_keys=draw(st.booleans()))
    sized = {f"{{{name}}}": f"{{{name}:{kind.spec}}}" for name, kind in kinds.items() if kind.spec}
    every = [draw(templates()) for _ in range(4)]
    first, second, third, fourth = ("#".join(sized.get(part, part) for part in text.split("#")) for text in every)
    primary = PrimaryKey(
        draw(st.sampled_from(["{id}", "A#{id}", "A#{id}#{id2}"])), draw(st.sampled_from(["Q", "{id3}"]))
    )
    indexes = {"by": Index(GSI1, first, second), "also": Index(GSI2, third, fourth)}
    indexes["plain"] = Index(PLAIN_KEYS, "{number}", "{raw}")
    fields = {name: kind.annotation | None for name, kind in kinds.items()}
    fields |= {"id": str, "id2": str, "id3": str, "number": Decimal | None, "raw": bytes | None}
    values = {name: kind.values for name, kind in kinds.items()} | {name: texts() for name in ("id", "id2", "id3")}
    values |= {"number": numbers(), "raw": st.binary(max_size=4)}
    return declare(table, fields, primary, **indexes).definition(), values


@given(st.data())
def test_keys_are_written_as_each_key_builds_itself(data: st.DataObject) -> None:
    definition, fields = data.draw(keyed())
    drawn = {name: data.draw(st.none() | held | held) for name, held in fields.items()}
    values = {**drawn, data.draw(st.sampled_from([*fields, "other"])): data.draw(st.sampled_from(KEY_VALUES))}
    assert outcome(lambda: written_keys(definition, values)) == outcome(lambda: plain_keys(definition, values))


def written_keys(definition: EntityDefinition, values: dict[str, Any]) -> Item:
    """Every key there is, by the function made for the entity."""
    item: Item = {}
    key_writer(definition)(values, item)
    return item


def plain_keys(definition: EntityDefinition, values: dict[str, Any]) -> Item:
    """Every key there is, one after the other."""
    return {name: value for key in definition.keys for name, value in (key.build(values) or {}).items()}

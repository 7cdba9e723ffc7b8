"""Types the fields of entities can have, values of them, entity classes of such fields; and results spelled out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple, Optional
from uuid import UUID

from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    SerializeAsAny,
    StringConstraints,
    WrapSerializer,
    WrapValidator,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypedDict

from aircraftops_data import GSI1, GSI2, Index, PrimaryKey, Table
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.model.entity import UtcDatetime
from strategies import Deck, Step, numbers, stored_values, texts, zoned
from throwaway import declare


class Point(BaseModel):
    """A model of plain values."""

    lat: float
    lon: float
    name: str | None = None


class Strange(BaseModel):
    """A model with an alias, extra values refused, and a rule over two fields."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["strange"] = "strange"
    first: Annotated[int, Field(alias="eins")] = 1
    second: Deck | None = Deck.UPPER

    @model_validator(mode="after")
    def _in_order(self) -> Strange:
        if self.first == 13:
            raise ValueError("unlucky")
        return self


class Open(BaseModel):
    """A model that keeps what it does not know."""

    model_config = ConfigDict(extra="allow")

    known: int = 0


class Named(BaseModel):
    """A model whose fields and default are named like parts of a schema."""

    metadata: IPv4Address
    ref: Annotated[dict[str, Any], Field(default={"ref": 1, "metadata": 2, "serialization": 3})]
    serialization: int = 0


class Loose(BaseModel):
    """A model that takes any map, and any map of maps."""

    known: int = 0
    more: dict[str, Point] = {}


class Tree(BaseModel):
    """A model that holds itself."""

    value: int
    left: Optional[Tree] = None  # noqa: UP045 - the name must be looked up late


class Shouted(BaseModel):
    """A model that looks at its input first."""

    text: str

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


class Shown(BaseModel):
    """A model that is not written as it is held: computed, left out, serialised, renamed."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)

    wide_body: bool = False
    left_out: Annotated[int, Field(exclude=True)] = 1
    seats: int = 0

    @computed_field
    @property
    def rows(self) -> int:
        """Made of the seats."""
        return self.seats // 6

    @field_serializer("seats")
    def _as_text(self, value: int) -> str:
        return f"{value} seats"

    @field_validator("seats", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return value.removesuffix(" seats") if isinstance(value, str) else value


class Wrapped(BaseModel):
    """A model with a serializer of its own around the usual one."""

    inner: Point | None = None

    @model_serializer(mode="wrap")
    def _marked(self, usual: Callable[[Any], Any]) -> Any:
        return {**usual(self), "marked": True}


class Numbers(RootModel[list[int]]):
    """A model that is a list."""


class Away(Point):
    """A kind of point with more to it, and a model inside that is written as it is."""

    home: Point | None = None
    hidden: Annotated[int, Field(exclude=True)] = 0


class Pair(NamedTuple):
    """Two values by name."""

    first: int
    second: str | None = None


class Sizes(TypedDict, total=False):
    """Some values by name."""

    wing: Decimal
    tail: float


@pydantic_dataclass
class Plate:
    """A dataclass."""

    text: str
    at: Point | None = None


class Cat(BaseModel):
    """One of two told by a tag."""

    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    """The other."""

    kind: Literal["dog"] = "dog"
    tricks: set[str] = set()


def shout(value: Any) -> Any:
    """Sees whatever the input is."""
    return value.upper() if isinstance(value, str) else value


def around(value: Any, inner: Callable[[Any], Any]) -> Any:
    """Sees the input and what becomes of it."""
    return inner(value if value != "" else "empty")


@dataclass(frozen=True)
class Kind:
    """A type a field can have, and Python values of it as they are stored."""

    annotation: Any
    values: st.SearchStrategy[Any]


def _model(model: Any, values: st.SearchStrategy[Any]) -> Kind:
    return Kind(model, values)


points = st.builds(dict, lat=numbers(), lon=st.integers(-180, 180), name=st.none() | texts())
stranges = st.builds(dict, eins=st.sampled_from([1, 13]), second=st.sampled_from(["UPPER", "odd", None]))
trees = st.recursive(
    st.builds(dict, value=st.integers(0, 9)), lambda inner: st.builds(dict, value=st.integers(0, 9), left=inner)
)
animals = st.builds(dict, kind=st.just("cat"), lives=st.integers(0, 9)) | st.builds(
    dict, kind=st.just("dog"), tricks=st.lists(texts(), max_size=2)
)

LEAVES = [
    Kind(str, texts()),
    Kind(int, st.integers(-(10**37), 10**37) | st.just(Decimal("1E+30"))),
    Kind(float, numbers()),
    Kind(Decimal, numbers()),
    Kind(bool, st.booleans()),
    Kind(bytes, st.binary(max_size=6)),
    Kind(date, st.dates().map(str)),
    Kind(datetime, zoned()),
    Kind(UtcDatetime, zoned() | st.just("2026-11-21T07:00:00+01:00")),
    Kind(time, st.times().map(str)),
    Kind(timedelta, st.timedeltas(timedelta(0), timedelta(days=9))),
    Kind(UUID, st.uuids()),
    Kind(Deck, st.sampled_from(["UPPER", "A#B%", "nowhere"])),
    Kind(Step, st.sampled_from([-1, 0, 10, 11])),
    Kind(Literal["a", "b"], st.sampled_from(["a", "b", "c"])),
    Kind(Literal[1, 2], st.sampled_from([1, 2, 3])),
    Kind(Literal[1, "a", None], st.sampled_from([1, "a", None])),
    Kind(Any, stored_values(3)),
    Kind(IPv4Address, st.ip_addresses(v=4).map(str)),
    Kind(PurePosixPath, st.just("/a/b")),
    Kind(int | str, st.integers(0, 9) | st.sampled_from(["1", "x"])),
    Kind(str | datetime, texts() | st.just("2026-11-21T07:00:00Z")),
    Kind(date | int, st.just("2026-11-21") | st.integers(0, 99)),
    Kind(Annotated[int, Field(ge=0, le=9)], st.integers(-3, 12)),
    Kind(Annotated[int, Field(strict=True)], st.integers(0, 9)),
    Kind(Annotated[datetime, Field(strict=True)], st.just("2026-11-21T07:00:00Z") | zoned()),
    Kind(Annotated[str, StringConstraints(pattern="^[A-Z]*$", to_upper=True)], st.text("AZaz", max_size=3) | texts()),
    Kind(Annotated[Decimal, Field(max_digits=4, decimal_places=2)], numbers() | st.decimals(-99, 99, places=2)),
    Kind(Annotated[str, AfterValidator(str.strip)], texts()),
    Kind(Annotated[str, BeforeValidator(shout)], texts()),
    Kind(Annotated[int, BeforeValidator(shout)], st.integers(0, 9)),
    Kind(Annotated[str, WrapValidator(around)], st.just("") | texts()),
    Kind(Annotated[int | None, AfterValidator(lambda value: value or 7)], st.none() | st.integers(0, 2)),
    Kind(Point, points),
    Kind(Strange, stranges),
    Kind(Open, st.just({"known": 1, "more": "x"})),
    Kind(Loose, st.just({"known": 1, "more": {}}) | st.just({"S": 1, "NULL": True})),
    Kind(Named, st.builds(dict, metadata=st.ip_addresses(v=4).map(str))),
    Kind(Named | int, st.builds(dict, metadata=st.ip_addresses(v=4).map(str)) | st.integers()),
    Kind(Tree, trees),
    Kind(Shouted, st.just("x") | st.just({"text": "y"})),
    Kind(Annotated[Strange | Open, Field(union_mode="left_to_right")], stranges | st.just({"known": 2})),
    Kind(Shown, st.builds(dict, seats=st.integers(0, 99), leftOut=st.just(5)) | st.just({"seats": "7 seats"})),
    Kind(Wrapped, st.builds(dict, inner=st.none() | points)),
    Kind(Numbers, st.lists(st.integers(0, 9), max_size=2)),
    Kind(Away, st.builds(dict, lat=numbers(), lon=numbers(), home=st.none() | points, hidden=st.integers(0, 9))),
    Kind(SerializeAsAny[Point], points),
    Kind(Pair, st.tuples(st.integers(0, 9), st.none() | texts())),
    Kind(Sizes, st.builds(dict, wing=numbers()) | st.builds(dict, tail=numbers())),
    Kind(Plate, st.builds(dict, text=texts(), at=st.none() | points)),
    Kind(Annotated[Cat | Dog, Field(discriminator="kind")], animals),
    Kind(Annotated[int, PlainSerializer(str)], st.integers(0, 99)),
    Kind(Annotated[str, WrapSerializer(lambda value, usual: usual(value) + "!")], texts()),
    Kind(Annotated[Deck, PlainSerializer(lambda deck: None)], st.sampled_from(["UPPER", "LOWER"])),
]


def _list(of: Kind) -> Kind:
    return Kind(list[of.annotation], st.lists(of.values, max_size=3))  # type: ignore[name-defined]


def _tuple(of: Kind) -> Kind:
    return Kind(tuple[of.annotation, ...], st.lists(of.values, max_size=3))  # type: ignore[name-defined]


def _dict(of: Kind) -> Kind:
    return Kind(dict[str, of.annotation], st.dictionaries(texts().filter(bool), of.values, max_size=3))  # type: ignore[name-defined]


def _optional(of: Kind) -> Kind:
    return Kind(Optional[of.annotation], st.none() | of.values)  # noqa: UP045 - made while it runs


SETS = [
    Kind(set[str], st.sets(texts(), max_size=3)),
    Kind(frozenset[int], st.sets(st.integers(0, 99), max_size=3)),
    Kind(set[bytes], st.sets(st.binary(max_size=3), max_size=3)),
    Kind(set[Deck], st.sets(st.sampled_from(["UPPER", "LOWER"]), max_size=2)),
    Kind(Annotated[set[Decimal], Field(max_length=2)], st.sets(st.integers(0, 99), max_size=3)),
    Kind(set[str] | None, st.none() | st.sets(texts(), max_size=3)),
]

kinds = st.recursive(
    st.sampled_from(LEAVES + SETS),
    lambda inner: st.builds(lambda of, around: around(of), inner, st.sampled_from([_list, _tuple, _dict, _optional])),
    max_leaves=3,
)


def _named(name: str, kind: Kind) -> st.SearchStrategy[Any]:
    """A field's annotation, as it is or with an alias."""
    aliases = [
        {},
        {},
        {"alias": f"{name} A'"},
        {"serialization_alias": f"{name}-out"},
        {"validation_alias": f"{name}-in"},
    ]
    return st.sampled_from(aliases).map(
        lambda alias: Annotated[kind.annotation, Field(**alias)] if alias else kind.annotation
    )


@st.composite
def entities(draw: st.DrawFn) -> tuple[Any, dict[str, Kind]]:
    """An entity class with some fields of any kinds, and the kinds."""
    fields = {f"field{i}": kind for i, kind in enumerate(draw(st.lists(kinds, min_size=1, max_size=4)))}
    typed, ttl = draw(st.booleans()), draw(st.sampled_from(["delete_at", None]))
    table = Table("Shelf", indexes=(GSI1, GSI2), ttl_attribute=ttl, typed=typed)
    body = {name: None for name in fields if draw(st.sampled_from([True, False, False]))}
    annotations = {"id": str, "group": str | None, **{name: draw(_named(name, kind)) for name, kind in fields.items()}}
    index = Index(GSI1, "GROUP#{group}", "ID#{id}")
    return declare(table, annotations, PrimaryKey("ID#{id}", "ID"), group=None, by_group=index, **body), fields


SHAPES: dict[tuple[int, bool], tuple[Any, dict[str, Kind]]] = {}


def every_shape(place: int, *, alone: bool = False) -> tuple[Any, dict[str, Kind]]:
    """An entity that holds a kind in every way, or once alone: pydantic puts a model named twice elsewhere.

    Declared once.
    """
    if (place, alone) not in SHAPES:
        kind = (LEAVES + SETS)[place]
        others = {} if alone else {"maybe": _optional(kind), "many": _list(kind), "named": _dict(kind)}
        shapes = {"alone": kind, **others}
        annotations = {"id": str, **{name: shape.annotation for name, shape in shapes.items()}}
        table = Table(f"Shapes{place}", indexes=(GSI1,), ttl_attribute=None)
        SHAPES[place, alone] = declare(table, annotations, PrimaryKey("ID#{id}", "ID")), shapes
    return SHAPES[place, alone]


def outcome(read: Callable[[], Any]) -> Any:
    """What came of it, in full: also the types inside, and the words of an error."""
    try:
        entity = read()
    except AircraftOpsDataError as error:
        return type(error), str(error)
    return type(entity), spelled(entity)


def spelled(value: Any) -> Any:
    """A value with the types of everything in it; sets in a fixed order."""
    if isinstance(value, BaseModel):
        extra = value.__pydantic_extra__ or {}
        return type(value), {name: spelled(inner) for name, inner in {**dict(value), **extra}.items()}
    if isinstance(value, dict):
        return type(value), [(spelled(name), spelled(inner)) for name, inner in value.items()]
    if isinstance(value, set | frozenset):
        return type(value), sorted(repr(spelled(inner)) for inner in value)
    if isinstance(value, list | tuple):
        return type(value), [spelled(inner) for inner in value]
    return type(value), repr(value)

"""Throwaway entities for the contract tests of writes, factories for them, and what their items must look like."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationInfo, computed_field, field_validator, model_validator

from aircraftops_data import (
    GSI1,
    GSI2,
    CoreTable,
    Entity,
    Index,
    KeyAttribute,
    PrimaryKey,
    SecondaryIndex,
    Table,
    Unique,
    upgrader,
)
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Request

BY_PLACE = SecondaryIndex("LSI1", KeyAttribute("PK"), KeyAttribute("LSI1SK"), local=True)
BY_OWNER = SecondaryIndex("by_owner", KeyAttribute("owner"), KeyAttribute("year", "N"))

SHELF = Table("Shelf", indexes=(GSI1, GSI2, BY_PLACE), ttl_attribute="delete_at")
DESK = Table("Desk", indexes=(GSI1,))
FLEET = Table("Fleet", partition_key=KeyAttribute("hull"), sort_key=None, indexes=(BY_OWNER,))
# One physical table, as an older and as a newer release of a program describe it.
OLD_PARTS = Table("Parts", indexes=(GSI1,), ttl_attribute="delete_at")
NEW_PARTS = Table("Parts", indexes=(GSI1,), ttl_attribute="delete_at")


class Status(Enum):
    """A key component with an order of its own."""

    ACTIVE = "active"
    STORED = "stored"


class Plane(Entity, table=SHELF, entity_type="plane"):
    """Every kind of key component: optional text, a date, an enum with a default, a number with a default."""

    tail: str
    operator: str | None = None
    typecode: str | None = None
    built: date | None = None
    status: Status = Status.ACTIVE
    seats: int = 2
    hours: int = 0
    rank: Annotated[int, Field(ge=0, le=9)] = 0
    marks: set[str] = Field(default_factory=set)
    note: str | None = None

    primary = PrimaryKey("PLANE#{tail}", "PLANE")
    by_operator = Index(GSI1, "OPERATOR#{operator}", "TYPE#{typecode}#{built}")
    by_status = Index(GSI2, "STATUS#{status}", "SEATS#{seats:4}#{tail}")


class Badge(Entity, table=SHELF, entity_type="badge"):
    """Unique by one field and by two."""

    number: str
    code: str | None = None
    site: str | None = None
    desk: str | None = None
    note: str | None = None

    primary = PrimaryKey("BADGE#{number}", "BADGE")
    by_site = Index(GSI1, "SITE#{site}", "BADGE#{number}")
    one_code = Unique("code")
    one_desk = Unique("site", "desk")


class Shift(Entity, table=SHELF, entity_type="shift"):
    """A rule over two fields."""

    name: str
    start: int = 0
    end: int = 0

    primary = PrimaryKey("SHIFT#{name}", "SHIFT")
    by_start = Index(GSI1, "SHIFTS", "START#{start:6}#{name}")

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Shift:
        if self.end < self.start:
            raise ValueError("a shift ends after it starts")
        return self


class Span(Entity, table=SHELF, entity_type="span"):
    """A rule over two fields, said by the validator of one."""

    name: str
    low: int = 0
    high: int = 0

    primary = PrimaryKey("SPAN#{name}", "SPAN")

    @field_validator("high")
    @classmethod
    def _not_below_low(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data["low"]:
            raise ValueError("high is below low")
        return value


class Article(Entity, table=SHELF, entity_type="article"):
    """A field that follows from another, and feeds an index."""

    number: str
    title: str
    slug: str = ""

    primary = PrimaryKey("ARTICLE#{number}", "ARTICLE")
    by_slug = Index(GSI1, "SLUG#{slug}", "ARTICLE#{number}")

    @model_validator(mode="before")
    @classmethod
    def _slug_follows_title(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "slug": values["title"].lower().replace(" ", "-")}


class Counter(Entity, table=SHELF, entity_type="counter"):
    """Numbers and sets with rules that sit in every place pydantic knows."""

    name: str
    total: int = 10
    ratio: float = 0.0
    even: int = 0
    spare: Annotated[int, Field(ge=0)] | None = None
    tags: set[Annotated[str, StringConstraints(max_length=3, to_upper=True)]] = Field(default_factory=set)
    text: str = ""

    primary = PrimaryKey("COUNTER#{name}", "COUNTER")

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("odd")
        return value


class Crate(Entity, table=SHELF, entity_type="crate"):
    """Attribute names that expressions must not take literally."""

    number: str
    dotted: str | None = Field(default=None, alias="in.side")
    reserved: int = Field(default=0, alias="size")
    dashed: str | None = Field(default=None, alias="bay-no #1")
    foreign: str | None = Field(default=None, alias="größe")

    primary = PrimaryKey("CRATE#{number}", "CRATE")
    by_dotted = Index(GSI1, "INSIDE#{dotted}", "CRATE#{foreign}")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def label(self) -> str:
        """Computed fields are not stored."""
        return f"{self.number}/{self.reserved}"


class Tray(Entity, table=SHELF, entity_type="tray"):
    """An index inside the item's own partition."""

    number: str
    place: str | None = None

    primary = PrimaryKey("TRAY#{number}", "TRAY")
    by_place = Index(BY_PLACE, "TRAY#{number}", "PLACE#{place}")


class Parcel(Entity, table=SHELF, entity_type="parcel"):
    """Anything at all, to be weighed."""

    number: str
    load: Any = None

    primary = PrimaryKey("PARCEL#{number}", "PARCEL")


class Memo(Entity, table=DESK, entity_type="memo"):
    """In another table, without expiry."""

    number: str
    text: str = ""
    topic: str | None = None

    primary = PrimaryKey("MEMO#{number}", "MEMO")
    by_topic = Index(GSI1, "TOPIC#{topic}", "MEMO#{number}")


class Hull(Entity, table=FLEET, entity_type="hull"):
    """A table others made: one plain attribute as primary key, fields as the keys of an index."""

    hull: str
    owner: str | None = None
    year: int | None = None

    primary = PrimaryKey("{hull}")
    by_owner = Index(BY_OWNER, "{owner}", "{year}")


class OldPart(Entity, table=OLD_PARTS, entity_type="part"):
    """A part as the older release stores it."""

    number: str
    maker: str | None = None
    weight: int = 0
    note: str | None = None

    primary = PrimaryKey("PART#{number}", "PART")
    by_maker = Index(GSI1, "MAKER#{maker}", "PART#{number}")


class Part(Entity, table=NEW_PARTS, entity_type="part", schema_version=3):
    """A part as the newer release stores it: `maker` became `vendor`, `weight` became `grams`."""

    number: str
    vendor: str | None = None
    grams: int = 0
    note: str | None = None
    stock: int = 0

    primary = PrimaryKey("PART#{number}", "PART")
    by_vendor = Index(GSI1, "VENDOR#{vendor}", "GRAMS#{grams:8}")

    @upgrader(1)
    @staticmethod
    def _maker_is_vendor(values: dict[str, Any]) -> dict[str, Any]:
        values["vendor"] = values.pop("maker", None)
        return values

    @upgrader(2)
    @staticmethod
    def _weight_is_in_grams(values: dict[str, Any]) -> dict[str, Any]:
        values["grams"] = values.pop("weight", 0) * 1000
        return values


def plane(tail: str = "N628TS", **fields: Any) -> Plane:
    """A plane with an entry in every index."""
    known: dict[str, Any] = {"operator": "UAL", "typecode": "B738", "built": date(1999, 5, 4)}
    return Plane(tail=tail, **(known | fields))


def badge(number: str = "1", **fields: Any) -> Badge:
    """A badge that holds both its unique values."""
    known: dict[str, Any] = {"code": f"C{number}", "site": "DEN", "desk": f"D{number}"}
    return Badge(number=number, **(known | fields))


def stored(core: CoreTable, entity: type[Entity], **identity: Any) -> Item | None:
    """The item as it lies in the table."""
    definition = entity.definition()
    parameters = {
        "TableName": core.context.names[definition.table],
        "Key": definition.identify(identity),
        "ConsistentRead": True,
    }
    item: Item | None = core.runner.transport.send(Request("GetItem", parameters)).get("Item")
    return item


def everything(core: CoreTable, table: Table) -> list[Item]:
    """Every item of a table as it lies there."""
    found: list[Item] = []
    parameters: dict[str, Any] = {"TableName": core.context.names[table], "ConsistentRead": True}
    while True:
        response = core.runner.transport.send(Request("Scan", parameters))
        found += response["Items"]
        if "LastEvaluatedKey" not in response:
            return found
        parameters["ExclusiveStartKey"] = response["LastEvaluatedKey"]


def index_keys(item: Item) -> dict[str, str]:
    """The index keys an item carries."""
    return {name: next(iter(value.values())) for name, value in item.items() if name.startswith(("GSI", "LSI"))}


def text(item: Item, name: str, default: str | None = None) -> str | None:
    """A stored field as text; the field's default where it is absent."""
    value = next(iter(item[name].values())) if name in item else default
    return None if value in (None, True) else str(value)


def escaped(component: str) -> str:
    """A component as a key writes it, worked out here and not by the library."""
    return "".join(f"%{ord(letter):02X}" if ord(letter) <= ord("%") else letter for letter in component)


def expected_plane_keys(item: Item) -> dict[str, str]:
    """The index keys of a stored plane, from its stored fields."""
    keys: dict[str, str] = {}
    operator, typecode, built = (text(item, name) for name in ("operator", "typecode", "built"))
    if operator is not None and typecode is not None and built is not None:
        keys |= {"GSI1PK": f"OPERATOR#{escaped(operator)}", "GSI1SK": f"TYPE#{escaped(typecode)}#{built}"}
    seats = int(text(item, "seats", "2") or 0)
    padded = f"{seats:04d}" if seats >= 0 else f"-{9999 + seats:04d}"
    keys["GSI2PK"] = f"STATUS#{text(item, 'status', 'active')}"
    keys["GSI2SK"] = f"SEATS#{padded}#{escaped(text(item, 'tail') or '')}"
    return keys


def expected_badge_keys(item: Item) -> dict[str, str]:
    """The index keys of a stored badge, from its stored fields."""
    site, number = text(item, "site"), text(item, "number") or ""
    return {} if site is None else {"GSI1PK": f"SITE#{escaped(site)}", "GSI1SK": f"BADGE#{escaped(number)}"}


def expected_sentinels(badges: list[Item]) -> dict[str, tuple[str, str | None]]:
    """The sentinels that belong to these stored badges: by partition key, the holder's and its expiry."""
    found: dict[str, tuple[str, str | None]] = {}
    for item in badges:
        holder = item["PK"]["S"], text(item, "delete_at")
        code, site, desk = (text(item, name) for name in ("code", "site", "desk"))
        if code is not None:
            found[f"UNIQUE#badge#code#{escaped(code)}"] = holder
        if site is not None and desk is not None:
            found[f"UNIQUE#badge#site+desk#{escaped(site)}#{escaped(desk)}"] = holder
    return found


def found_sentinels(items: list[Item]) -> dict[str, tuple[str, str | None]]:
    """The sentinels among stored items."""
    return {
        item["PK"]["S"]: (item["holder"]["M"]["PK"]["S"], text(item, "delete_at"))
        for item in items
        if item["entity_type"]["S"] == "unique"
    }


def of_type(items: list[Item], entity_type: str) -> list[Item]:
    """The items of one entity type."""
    return [item for item in items if item["entity_type"]["S"] == entity_type]


def live(items: list[Item], epoch: float) -> list[Item]:
    """The items whose expiry has not passed."""
    return [item for item in items if "delete_at" not in item or float(item["delete_at"]["N"]) > epoch]


def assert_shelf_is_consistent(items: list[Item], epoch: float) -> None:
    """No index key is stale or half, and the live sentinels are exactly those of the live badges."""
    for item in of_type(items, "plane"):
        assert index_keys(item) == expected_plane_keys(item)
    for item in of_type(items, "badge"):
        assert index_keys(item) == expected_badge_keys(item)
    alive = live(items, epoch)
    assert found_sentinels(alive) == expected_sentinels(of_type(alive, "badge"))

"""What an entity class says about its keys: PrimaryKey, Index, Unique, upgrader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from aircraftops_data.errors import InvalidKeyError
from aircraftops_data.model.definition import AttributeValue, BoundKey, EntityDefinition
from aircraftops_data.model.encoders import TEXT
from aircraftops_data.model.keys import AFTER_SEPARATOR, SEPARATOR, Component
from aircraftops_data.model.schema import SecondaryIndex

if TYPE_CHECKING:
    from aircraftops_data.model.entity import Entity

E = TypeVar("E", bound="Entity")
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SortCondition:
    """What a query asks of the sort key: an operator of DynamoDB's key conditions and its one or two values."""

    operator: str
    values: tuple[AttributeValue, ...]


@dataclass(frozen=True)
class KeyQuery(Generic[E]):
    """Which items of an entity: a partition and a condition on the sort key. A value; nothing is read by it."""

    definition: EntityDefinition
    key: BoundKey
    partition: AttributeValue
    sort: SortCondition | None
    given: tuple[tuple[str, Any], ...] = ()
    ranged: bool = False

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.given)
        return f"{self.definition.name}.{self.key.name}({given}) {self.sort or ''}".rstrip()

    @property
    def entity(self) -> type[E]:
        """The entity asked for."""
        return self.definition.entity  # type: ignore[return-value]

    def between(self, **bounds: tuple[Any, Any]) -> KeyQuery[E]:
        """Low <= component <= high, for the component behind those already given; both ends included."""
        name, pair = self._only(bounds)
        match pair:
            case (low, high):
                return self._ranged(name, self._given(name, low), self._given(name, high))
            case _:
                raise InvalidKeyError(f"{name!r} needs two bounds: (low, high)", component=name)

    def at_least(self, **bound: Any) -> KeyQuery[E]:
        """Component >= bound, for the component behind those already given."""
        name, low = self._only(bound)
        return self._ranged(name, self._given(name, low), None)

    def at_most(self, **bound: Any) -> KeyQuery[E]:
        """Component <= bound, for the component behind those already given."""
        name, high = self._only(bound)
        return self._ranged(name, None, self._given(name, high))

    def starts_with(self, **partial: str) -> KeyQuery[E]:
        """The written form of the component behind those already given begins with this text."""
        name, text = self._only(partial)
        prefix, _ = self._next(name)
        if self.key.sort is None or self.key.sort.attribute.type != "S" or not isinstance(text, str):
            raise InvalidKeyError(f"{name!r} is not text and has no beginning to compare", component=name)
        value = {"S": prefix + self.key.sort.template.escape(text)}
        return replace(self, ranged=True, sort=SortCondition("begins_with", (value,)) if value["S"] else None)

    def _only(self, bounds: dict[str, Any]) -> tuple[str, Any]:
        if len(bounds) != 1:
            raise InvalidKeyError("Give exactly one component")
        return next(iter(bounds.items()))

    def _given(self, name: str, bound: Any) -> Any:
        if bound is None:
            raise InvalidKeyError(f"A bound of {name!r} is None; an item without it has no entry here", component=name)
        return bound

    def _next(self, name: str) -> tuple[str, Component]:
        """The sort key's text before component `name`, which must be the first one not given."""
        if self.key.sort is None:
            raise InvalidKeyError(f"{self.definition.name}.{self.key.name} has no sort key", component=name)
        if self.ranged:
            raise InvalidKeyError("A query has one range; it has been given already", component=name)
        template = self.key.sort.template
        given = {known: value for known, value in self.given if known in template.components}
        prefix, following = template.prefix(given, self.key.partition.template.components)
        if following is None or following.name != name:
            expected = "none is left" if following is None else f"{following.name!r} comes next"
            raise InvalidKeyError(
                f"{name!r} is not the next component of {template.text!r}: {expected}", component=name
            )
        return prefix, following

    def _ranged(self, name: str, low: Any, high: Any) -> KeyQuery[E]:
        prefix, component = self._next(name)
        sort = self.key.sort
        assert sort is not None
        if sort.template.whole:
            return self._within(name, *(self._whole_bound(name, bound) for bound in (low, high)))
        if not self.definition.table.escape_keys and sort.template.segments[-1] is not component:
            raise InvalidKeyError(f"{name!r} is unescaped and not the last component: it has no order", component=name)
        lower = prefix + self._bound(component, low) if low is not None else prefix
        upper = self._upper(prefix, component, high)
        return self._within(name, *({"S": text} if text else None for text in (lower, upper)))

    def _within(self, name: str, low: AttributeValue | None, high: AttributeValue | None) -> KeyQuery[E]:
        if low is not None and high is not None:
            if order_of(low) > order_of(high):
                raise InvalidKeyError(f"The bounds of {name!r} are in the wrong order", component=name)
            return replace(self, ranged=True, sort=SortCondition("BETWEEN", (low, high)))
        bound, operator = (low, ">=") if high is None else (high, "<=")
        return replace(self, ranged=True, sort=None if bound is None else SortCondition(operator, (bound,)))

    def _upper(self, prefix: str, component: Component, high: Any) -> str | None:
        """The text that bounds from above: past every key that goes on below the bound, short of the next value."""
        if high is None:
            return prefix.removesuffix(SEPARATOR) + AFTER_SEPARATOR if prefix else None
        assert self.key.sort is not None
        last = self.key.sort.template.segments[-1] is component
        return prefix + self._bound(component, high) + ("" if last else AFTER_SEPARATOR)

    def _bound(self, component: Component, value: Any) -> str:
        assert self.key.sort is not None
        return self.key.sort.template.encoded(component, self._normal(component, value))

    def _whole_bound(self, name: str, value: Any) -> AttributeValue | None:
        if value is None:
            return None
        assert self.key.sort is not None
        component = self.key.sort.template.component(name)
        bound = self.key.sort.value({name: self._normal(component, value)})
        assert bound is not None
        return bound

    def _normal(self, component: Component, value: Any) -> Any:
        """A bound as the field normalises it; text that is only part of a value stays as it is."""
        try:
            return self.definition.validators.validate(component.name, value)
        except ValidationError:
            if component.encoder is TEXT and isinstance(value, str):
                return value
            raise InvalidKeyError(f"Bound of {component.name!r} is not valid", component=component.name) from None


def order_of(bound: AttributeValue) -> Any:
    """What DynamoDB compares keys by."""
    if "N" in bound:
        return Decimal(bound["N"])
    return bound["S"].encode() if "S" in bound else bound["B"]


@dataclass(frozen=True, slots=True)
class AccessPattern(Generic[E]):
    """A key of an entity, ready to be asked: `Aircraft.by_operator(operator="UAL")` is a query of Aircraft."""

    definition: EntityDefinition
    key: BoundKey

    def __call__(self, **components: Any) -> KeyQuery[E]:
        """The items with these components: the partition key's all, the sort key's from the left as far as given.

        Raises InvalidKeyError for a component that is missing, unknown, None, or given behind one that is not.
        """
        self.definition.refuse_unknown(self.key, components)
        values = {name: self.definition.coerce(name, value) for name, value in components.items()}
        for name, value in values.items():
            if value is None:
                raise InvalidKeyError(f"{name!r} is None; an item without it has no entry here", component=name)
        partition = self.key.partition.value(values)
        assert partition is not None
        return KeyQuery(self.definition, self.key, partition, _leading(self.key, values), tuple(values.items()))


def _leading(key: BoundKey, values: dict[str, Any]) -> SortCondition | None:
    """The narrowest condition on the sort key that the given components allow."""
    if key.sort is None:
        return None
    given = {name: value for name, value in values.items() if name in key.sort.template.components}
    if key.sort.attribute.type != "S":
        value = key.sort.value(given) if given else None
        return None if value is None else SortCondition("=", (value,))
    text, missing = key.sort.template.prefix(given, key.partition.template.components)
    if missing is None:
        return SortCondition("=", (key.sort.text_value(text),))
    return SortCondition("begins_with", ({"S": text},)) if text else None


class _Declaration:
    """A key declared on an entity class; read from the class, it is an `AccessPattern` of that class."""

    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type[E]) -> AccessPattern[E]:
        definition = owner.definition()
        key = next(key for key in definition.keys if key.name == self.name)
        return AccessPattern(definition, key)


class PrimaryKey(_Declaration):
    """The key that identifies an entity: templates of the partition key and, where the table has one, the sort key."""

    def __init__(self, partition: str, sort: str | None = None) -> None:
        self.partition = partition
        self.sort = sort


class Index(_Declaration):
    """An access pattern through an index; an item has an entry only while no component of either template is None."""

    def __init__(self, index: SecondaryIndex, partition: str, sort: str | None = None) -> None:
        self.index = index
        self.partition = partition
        self.sort = sort


class Unique:
    """No two items of the entity hold the same values in these fields; None in any of them lifts the rule.

    Kept as a sentinel item per value, written in the same transaction; it costs 2 write units a change of value.
    """

    def __init__(self, *fields: str) -> None:
        self.fields = fields


class Upgrader:
    """Marks the function that lifts stored fields from one schema version to the next; see `upgrader`."""

    def __init__(self, from_version: int, function: Upgrade) -> None:
        self.from_version = from_version
        self.function = function


def upgrader(from_version: int) -> Callable[[Upgrade], Upgrader]:
    """Decorate a function in the class body that turns stored fields of `from_version` into those of the next.

    It takes and returns a dict of attribute names to plain values; it runs on read, before validation. Put it above
    `@staticmethod`, which type checkers ask for.
    """
    return lambda function: Upgrader(from_version, function)

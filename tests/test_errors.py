"""The error tree: as drawn, by who must act, picklable with all its facts."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from collections.abc import Iterator
from typing import Any

import pytest

from aircraftops_data import Entity, PrimaryKey, Table, errors
from aircraftops_data.errors import (
    AircraftOpsDataError,
    AlreadyExistsError,
    ConflictError,
    CorruptItemError,
    InvalidInputError,
    InvalidValueError,
    MissingExtraError,
    NotFoundError,
    StoreError,
    ThrottledError,
    TimeoutError,
    TransactionConflictError,
    VersionConflictError,
)


class Thing(Entity, table=Table("Things"), entity_type="thing"):
    """An entity that an error may hold."""

    id: str
    primary = PrimaryKey("THING#{id}", "THING")


def classes() -> list[type[AircraftOpsDataError]]:
    """Every error class of the library."""
    found = [value for value in vars(errors).values() if inspect.isclass(value)]
    return [value for value in found if issubclass(value, AircraftOpsDataError)]


def drawn() -> dict[str, str | None]:
    """The tree in the module's docstring: each class and the one it stands under."""
    tree: dict[str, str | None] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"( +)(\w+)( |$)", line)
        if match is None or not match[2].endswith("Error"):
            continue
        depth = len(match[1]) // 2 - 1
        above[depth - 1 :] = []
        tree[match[2]] = above[-1] if above else None
        above.append(match[2])
    return tree


def real() -> dict[str, str | None]:
    """The tree as Python sees it."""
    return {kind.__name__: _parent(kind) for kind in classes()}


def _parent(kind: type) -> str | None:
    bases = [base for base in kind.__bases__ if issubclass(base, AircraftOpsDataError)]
    return bases[0].__name__ if bases else None


def test_the_tree_is_as_drawn() -> None:
    assert drawn() == real()


def noted() -> Iterator[tuple[str, str]]:
    """The fields the drawing names, as class and field."""
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r" +(\w+Error) ", line)
        if match is not None:
            yield from ((match[1], name) for name in re.findall(r"\.(\w+)[,)]", line))


@pytest.mark.parametrize(("kind", "name"), list(noted()))
def test_every_field_the_drawing_names_is_there(kind: str, name: str) -> None:
    assert hasattr(getattr(errors, kind), name)


def facts(kind: type[AircraftOpsDataError]) -> dict[str, Any]:
    """A fact for every field of an error."""
    own = {
        name
        for base in kind.__mro__
        if issubclass(base, AircraftOpsDataError)
        for name in getattr(base, "__annotations__", {})
    }
    return {name: f"fact {name}" for name in own}


every = pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)


@every
def test_an_error_survives_pickling_with_its_facts(kind: type[AircraftOpsDataError]) -> None:
    error = kind("what went wrong", **facts(kind))
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind
        assert str(again) == again.message == "what went wrong"
        assert again.fields == facts(kind)
        assert {name: getattr(again, name) for name in facts(kind)} == facts(kind)


@every
def test_an_error_has_its_fields_without_being_told(kind: type[AircraftOpsDataError]) -> None:
    error = kind("what went wrong")
    assert str(error) == "what went wrong"
    assert error.fields == {}
    assert all(hasattr(error, name) for name in facts(kind))


@every
def test_an_error_takes_no_fact_it_has_no_field_for(kind: type[AircraftOpsDataError]) -> None:
    with pytest.raises(TypeError, match="has no field 'colour'"):
        kind("what went wrong", colour="red")


@every
def test_an_error_says_in_its_docstring_what_it_is(kind: type[AircraftOpsDataError]) -> None:
    assert "__doc__" in vars(kind)
    assert len(kind.__doc__ or "") > 20


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (InvalidInputError, ValueError),
        (NotFoundError, LookupError),
        (MissingExtraError, ImportError),
        (TimeoutError, OSError),
    ],
)
def test_an_error_is_caught_as_what_python_calls_it(kind: type[Exception], base: type[Exception]) -> None:
    with pytest.raises(base, match="it happened"):
        raise kind("it happened")


def test_more_facts_make_another_error_of_the_same_cause() -> None:
    cause = ValueError("first")
    error = StoreError("lost", operation="PutItem")
    error.__cause__ = cause
    known = error.with_fields(code="X", retryable=True)
    assert type(known) is StoreError
    assert (known.operation, known.code, known.retryable) == ("PutItem", "X", True)
    assert known.__cause__ is cause
    assert (error.code, error.retryable) == ("", False)


def test_an_error_inside_another_survives_too() -> None:
    inner = VersionConflictError("moved on", expected=1, found=2)
    again = pickle.loads(pickle.dumps(TransactionConflictError("cancelled", reasons=[None, inner])))
    assert again.reasons[0] is None
    assert (type(again.reasons[1]), again.reasons[1].found) == (VersionConflictError, 2)


def test_an_error_with_an_entity_survives_too() -> None:
    again = pickle.loads(pickle.dumps(AlreadyExistsError("there already", existing=Thing(id="1"))))
    assert again.existing == Thing(id="1")


def test_retrying_is_told_by_the_error_and_not_by_its_class() -> None:
    assert ThrottledError("slow down", retryable=True).retryable
    assert not StoreError("broken").retryable


def test_who_must_act_is_told_by_the_second_level() -> None:
    second = {name for name, parent in real().items() if parent == "AircraftOpsDataError"}
    assert {"DefinitionError", "InvalidInputError", "NotFoundError", "ConflictError", "CorruptItemError"} < second
    assert not issubclass(ConflictError, StoreError)
    assert not issubclass(CorruptItemError, InvalidValueError)

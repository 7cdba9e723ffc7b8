"""Changes as they are declared: a function, what it is known by, and how it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType
from typing import Any, Literal, TypeVar, cast

from aircraftops_data.coordination.chunk import Chunk
from aircraftops_data.coordination.source import checksum, source_of
from aircraftops_data.core.context import Context
from aircraftops_data.core.pace import Rate
from aircraftops_data.errors import DefinitionError
from aircraftops_data.request import Plan

F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S", bound=StrEnum)
ID_LIMIT = 200


class Mode(StrEnum):
    """How a change is made, and so what is known of it after a crash."""

    ATOMIC = "atomic"
    """Its writes and the record that it was made are one transaction: exactly once."""
    CHUNKED = "chunked"
    """Each chunk's writes and where it stopped are one transaction: exactly once, for any size."""
    EXTERNAL = "external"
    """What it does is done elsewhere: at least once. That it was begun is recorded first."""


class Recovery(StrEnum):
    """What is done about a change whose last attempt failed, or of which nobody knows what it did."""

    MANUAL = "manual"
    """Stop, until a person says what is so."""
    RETRY = "retry"
    """Make it again."""
    PROBE = "probe"
    """Ask its probe whether it was made."""


class Change:
    """A change to be made once. `@change(id)` makes one of a function; `order` says when it comes, else its id does.

    `plan` stands for the function of a change that comes ready-made: it does the same without any input or output of
    its own, so that threads and asyncio share it.
    """

    def __init__(
        self,
        id: str,
        function: Callable[..., Any] | None = None,
        *,
        plan: Callable[[Chunk, Context], Plan[None]] | None = None,
        mode: Mode | Literal["atomic", "chunked", "external"] = Mode.ATOMIC,
        order: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        recovery: Recovery | Literal["manual", "retry", "probe"] | None = None,
        rate: Rate | None = None,
        source: str | None = None,
    ) -> None:
        self.id = _named(id)
        self.mode = _one_of(Mode, mode, id, "mode")
        self._recovery = None if recovery is None else _one_of(Recovery, recovery, id, "recovery")
        self.order = order if order is not None else id
        self.parameters = dict(parameters or {})
        self.function = function
        self.plan = plan
        self.rate = rate
        self.probe: Callable[..., Any] | None = None
        self.rollback: Callable[..., Any] | None = None
        self._source = source
        if (function is None) == (plan is None) or (plan is not None and self.mode is not Mode.CHUNKED):
            raise DefinitionError(f"Change {id!r} is made by a function, or by a plan in chunks")

    def __repr__(self) -> str:
        return f"<change {self.id}, {self.mode}>"

    @property
    def functions(self) -> list[Callable[..., Any]]:
        """The functions it has: its own, its rollback, its probe."""
        return [one for one in (self.function, self.rollback, self.probe) if one is not None]

    @property
    def recovery(self) -> Recovery:
        """What is done after a failure; without a word of its own, what is safe in its mode."""
        return self._recovery or (Recovery.MANUAL if self.mode is Mode.EXTERNAL else Recovery.RETRY)

    @cached_property
    def checksum(self) -> str:
        """What its source and parameters amount to. Raises DefinitionError."""
        source = source_of(self.function) if self._source is None and self.function is not None else self._source
        return checksum(source or "", self.parameters)

    def rolls_back(self, function: F) -> F:
        """Decorate the function that undoes the change; it is called as the change's own, in the same mode."""
        self.rollback = function
        return function

    def probes(self, function: F) -> F:
        """Decorate the function that finds out whether the change was made: True, False, or None for no idea."""
        self.probe = function
        return function


def _one_of(known: type[S], found: str, id: str, what: str) -> S:
    try:
        return known(found)
    except ValueError:
        raise DefinitionError(f"Change {id!r}: {what} is one of {', '.join(known)}, not {found!r}") from None


def _named(id: str) -> str:
    if not 0 < len(id) <= ID_LIMIT:
        raise DefinitionError(f"The id of a change has 1 to {ID_LIMIT} characters")
    return id


def change(id: str, **options: Any) -> Callable[[Callable[..., Any]], Change]:
    """Decorate the function of a change, which gets a `ChangeContext`: it becomes a `Change`, which has the options.

    Raises DefinitionError.
    """

    def declared(function: Callable[..., Any]) -> Change:
        return Change(id, function, **options)

    return declared


def in_order(changes: Iterable[Change] | str, runs_here: Callable[[Callable[..., Any]], bool]) -> list[Change]:
    """The changes, or those of a package of this name, in their order, once all that can be wrong is ruled out.

    Raises DefinitionError: for an id used twice, no source, parameters that are no JSON, a probe that is missing, and
    a coroutine function where threads run it or the other way round.
    """
    found = discover(changes) if isinstance(changes, str) else list(changes)
    ids = [one.id for one in found]
    twice = sorted({id for id in ids if ids.count(id) > 1})
    if twice:
        raise DefinitionError(f"Two changes have one id: {', '.join(twice)}")
    for one in found:
        _check(one, runs_here)
    return sorted(found, key=lambda one: (one.order, one.id))


def _check(change: Change, runs_here: Callable[[Callable[..., Any]], bool]) -> None:
    if change.recovery is Recovery.PROBE and change.probe is None:
        raise DefinitionError(f"Change {change.id!r} recovers by a probe and has none")
    if not all(runs_here(function) for function in change.functions):
        raise DefinitionError(
            f"Change {change.id!r}: Changes take plain functions, AsyncChanges take coroutine functions"
        )
    assert change.checksum


def discover(package: str) -> list[Change]:
    """Every change declared in a module, or anywhere in a package, which is imported for it; in lists, too.

    Raises DefinitionError where something cannot be imported.
    """
    module = _imported(package)
    inside = walk_packages(getattr(module, "__path__", ()), f"{module.__name__}.", onerror=_imported)
    names = [entry.name for entry in inside if not entry.name.endswith(".__main__")]
    found: dict[int, Change] = {}
    for value in (value for one in [module, *map(_imported, names)] for value in vars(one).values()):
        for each in cast("Iterable[object]", value) if isinstance(value, list | tuple) else (value,):
            if isinstance(each, Change):
                found[id(each)] = each
    return list(found.values())


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise DefinitionError(f"Module {name!r} cannot be imported, to find changes in it: {error}") from error

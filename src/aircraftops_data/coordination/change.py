"""Changes as they are declared: a function, what it is known by, and how it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from importlib import import_module
from pkgutil import walk_packages
from typing import Any, Literal, TypeVar

from aircraftops_data.coordination.chunk import Chunk
from aircraftops_data.coordination.source import checksum, source_of
from aircraftops_data.core.context import Context
from aircraftops_data.core.pace import Rate
from aircraftops_data.errors import DefinitionError
from aircraftops_data.request import Plan

F = TypeVar("F", bound=Callable[..., Any])
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
        self.mode = Mode(mode) if mode in list(Mode) else _unknown(id, "mode", mode, Mode)
        known = recovery is None or recovery in list(Recovery)
        self._recovery = (recovery and Recovery(recovery)) if known else _unknown(id, "recovery", recovery, Recovery)
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


def _unknown(id: str, what: str, found: object, known: Iterable[str]) -> Any:
    raise DefinitionError(f"Change {id!r}: {what} is one of {', '.join(known)}, not {found!r}")


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


def in_order(changes: Iterable[Change] | str) -> list[Change]:
    """The changes, or those of a package of this name, in their order. Raises DefinitionError for an id used twice."""
    found = discover(changes) if isinstance(changes, str) else list(changes)
    ids = [one.id for one in found]
    twice = sorted({id for id in ids if ids.count(id) > 1})
    if twice:
        raise DefinitionError(f"Two changes have one id: {', '.join(twice)}")
    for one in found:
        if one.recovery is Recovery.PROBE and one.probe is None:
            raise DefinitionError(f"Change {one.id!r} recovers by a probe and has none")
    return sorted(found, key=lambda one: (one.order, one.id))


def discover(package: str) -> list[Change]:
    """Every change declared in a module, or anywhere in a package, which is imported for it. Raises DefinitionError."""
    try:
        module = import_module(package)
    except ModuleNotFoundError as error:
        raise DefinitionError(f"There is no module {package!r} to find changes in") from error
    inside = walk_packages(getattr(module, "__path__", ()), f"{module.__name__}.")
    modules = [module, *(import_module(entry.name) for entry in inside)]
    found = {id(value): value for one in modules for value in vars(one).values() if isinstance(value, Change)}
    return list(found.values())

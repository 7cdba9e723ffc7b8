"""A worker for the handlers a module of the user's has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Annotated, Any, TypeVar

from pydantic import InstanceOf, StringConstraints, TypeAdapter, ValidationError

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.jobs.options import Kind
from aircraftops_data.jobs.worker import Worker
from aircraftops_data.model.fields import problems

T = TypeVar("T")
_HANDLERS = TypeAdapter(dict[Annotated[str, StringConstraints(min_length=1)], Callable[..., Any]])
_KINDS = TypeAdapter(list[InstanceOf[Kind]])


def prepared(
    jobs: Jobs, module: ModuleType, queues: list[str] | None, concurrency: int
) -> tuple[Worker, dict[str, Any]]:
    """A worker for a module's handlers, and what it will do. Raises InvalidInputError."""
    handlers = _named(module, "handlers", _HANDLERS, {})
    if not handlers:
        raise InvalidInputError(f"Module {module.__name__!r} has no `handlers`, a dict of kinds and functions")
    for kind in _named(module, "kinds", _KINDS, []):
        jobs.register(kind)
    queues = queues or sorted({jobs.kind(name).queue for name in handlers})
    worker = Worker(jobs, queues, concurrency=concurrency)
    for name, handle in handlers.items():
        worker.handles(name)(handle)
    return worker, {"queues": queues, "kinds": sorted(handlers), "concurrency": concurrency}


def spoken(record: Mapping[str, Any]) -> dict[str, str]:
    """What a worker will do, for people."""
    return {**record, "queues": ", ".join(record["queues"]), "kinds": ", ".join(record["kinds"])}


def _named(module: ModuleType, name: str, adapter: TypeAdapter[T], default: Any) -> T:
    """A thing the module names, looked at whether it is what it should be. Raises InvalidInputError."""
    try:
        return adapter.validate_python(getattr(module, name, default))
    except ValidationError as error:
        found = "; ".join(problems(error))
        raise InvalidInputError(f"`{name}` of module {module.__name__!r} cannot be used: {found}") from None

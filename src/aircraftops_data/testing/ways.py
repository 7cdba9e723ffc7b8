"""The ways to a server on this machine, and trying one after the other."""

import os
from collections.abc import Callable, Sequence

from aircraftops_data.errors import EngineUnavailableError, MissingExtraError
from aircraftops_data.testing.engine import Running
from aircraftops_data.testing.jars import pinned_jars, read_pins
from aircraftops_data.testing.java import JavaServer, java_runtime
from aircraftops_data.testing.processes import answer

Way = tuple[str, Callable[[], Running]]
"""What it is, and the function that takes it or raises why it cannot be taken."""


def first_that_works(server: str, ways: Sequence[Way]) -> Running:
    """The server by the first of `ways` that leads to it; EngineUnavailableError says why each failed."""
    tried: list[str] = []
    for name, way in ways:
        try:
            return way()
        except (EngineUnavailableError, MissingExtraError, OSError) as error:
            tried.append(f"{name}: {error}")
    reasons = "\n".join(f"- {reason}" for reason in tried)
    raise EngineUnavailableError(f"{server} cannot be had here. Tried:\n{reasons}", tried=tuple(tried))


def running_endpoint(variable: str) -> Running:
    """The endpoint that an environment variable names, if it answers; it is not ours to stop."""
    url = os.environ.get(variable, "")
    if not url:
        raise EngineUnavailableError("the variable is not set")
    if not url.startswith(("http://", "https://")):
        raise EngineUnavailableError(f"{url!r} is not an http or https URL")
    if answer(url) is None:
        raise EngineUnavailableError(f"nothing answers at {url}")
    return Running(url, f"endpoint already running at {url}")


def pinned_release(server: JavaServer) -> Running:
    """The release this library pins, downloaded once from Maven Central and checked by hash at every start."""
    java = java_runtime(server.least_java)
    process = server.start(java, pinned_jars(read_pins(server.pins)))
    return Running(process.url, f"{server.name} {server.version} (Maven Central, {java.origin})", process.stop)

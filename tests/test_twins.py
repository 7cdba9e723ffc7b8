"""The blocking core is what the asyncio core's text makes, and the two offer the same."""

from __future__ import annotations

import importlib.util
import inspect
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def tool() -> ModuleType:
    """tools/twins.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("twins", ROOT / "tools" / "twins.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


twins = tool()
BY_HAND = {
    "core/aio/crew.py": "core/crew.py",
    "core/aio/connecting.py": "core/connecting.py",
    "core/aio/hands.py": "core/hands.py",
    "jobs/aio/crew.py": "jobs/crew.py",
    "audit/aio/aside.py": "audit/aside.py",
    "audit/aio/groups.py": "audit/groups.py",
}
PAIRS = sorted({**twins.TWINS, **BY_HAND}.items())


def of(path: str) -> ModuleType:
    """A module of the package by its path."""
    return import_module("aircraftops_data." + path.removesuffix(".py").replace("/", "."))


def own(module: ModuleType) -> dict[str, Any]:
    """The public classes and functions a module defines."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    }


def blocking(name: str) -> str:
    """What a name is called on the blocking side."""
    return twins.NAMES.get(name, re.sub(r"\bAsync(?=[A-Z])", "", name))


DUNDERS = {"__aenter__", "__aexit__", "__aiter__", "__anext__", "__enter__", "__exit__", "__iter__", "__next__"}


def offered(kind: type) -> dict[str, Any]:
    """What a class offers, its constructor and what `with` and `for` use included."""
    names = [name for name in dir(kind) if not name.startswith("_") or name in DUNDERS]
    return {name: inspect.getattr_static(kind, name) for name in ["__init__", *names]}


def signature(value: Any) -> list[tuple[str, Any, Any]] | None:
    """The parameters: names, kinds and defaults, a default transport aside."""
    function = value.__func__ if isinstance(value, classmethod) else value
    if not inspect.isfunction(function):
        return None
    parameters = inspect.signature(function).parameters.values()
    return [(one.name, one.kind, one.name == "transport" or one.default) for one in parameters]


@pytest.mark.slow
@pytest.mark.parametrize("source", sorted(twins.TWINS))
def test_a_twin_is_what_its_source_makes(source: str) -> None:
    text = (twins.PACKAGE / source).read_text()
    assert (twins.PACKAGE / twins.TWINS[source]).read_text() == twins.twin_of(text, source)


def test_every_asyncio_module_has_a_twin() -> None:
    written = {str(path.relative_to(twins.PACKAGE)) for path in twins.PACKAGE.rglob("aio/*.py")}
    ours = {path for path in written if not path.startswith("transports/") and not path.endswith("__init__.py")}
    assert ours | {"async_ops.py"} == set(dict(PAIRS))


@pytest.mark.parametrize(("source", "twin"), PAIRS)
def test_twins_offer_the_same_names_with_the_same_parameters(source: str, twin: str) -> None:
    one, other = own(of(source)), own(of(twin))
    assert {blocking(name) for name in one} == set(other)
    for name, value in one.items():
        counterpart = other[blocking(name)]
        assert signature(value) == signature(counterpart), name
        if isinstance(value, type):
            ours, theirs = offered(value), offered(counterpart)
            assert {blocking(method) for method in ours} == set(theirs), name
            for method, function in ours.items():
                assert signature(function) == signature(theirs[blocking(method)]), f"{name}.{method}"


@pytest.mark.parametrize("twin", sorted(twins.TWINS.values()))
def test_a_twin_says_where_it_comes_from_and_has_nothing_of_asyncio(twin: str) -> None:
    text = (twins.PACKAGE / twin).read_text()
    assert re.match(r"# Generated from [\w/]+\.py by tools/twins\.py; edit that\.\n", text)
    assert re.findall(r"(?i)async|await|\baio\b|aclos|aenter|aexit|anext|aiter", text.partition("\n")[2]) == []


def test_a_source_becomes_blocking_text() -> None:
    source = '''"""Async for `AsyncCoreTable` and its tasks."""

from aircraftops_data.core.aio.run import AsyncRunner


class AsyncReader:
    async def __aenter__(self) -> "AsyncReader":
        """Use `async with`, then `await reader.all()`."""
        async with aclosing(self.rows()) as rows:  # `async for` each task
            return [await one async for one in rows]

    async def aclose(self) -> None:
        await self.clock.sleep_async(1)
'''
    assert (
        twins._blocking(source)
        == '''"""Async for `CoreTable` and its threads."""

from aircraftops_data.core.run import Runner


class Reader:
    def __enter__(self) -> "Reader":
        """Use `with`, then `reader.all()`."""
        with closing(self.rows()) as rows:  # `for` each thread
            return [one for one in rows]

    def close(self) -> None:
        self.clock.sleep(1)
'''
    )


def test_a_changed_twin_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "PACKAGE", tmp_path)
    monkeypatch.setattr(twins, "TWINS", {"a.py": "b.py"})
    (tmp_path / "a.py").write_text('"""A."""\n\n\nasync def get() -> int:\n    return await other()\n')
    assert twins.stale() == ["b.py"]
    (tmp_path / "b.py").write_text(twins.twin_of((tmp_path / "a.py").read_text(), "a.py"))
    assert twins.stale() == []
    (tmp_path / "b.py").write_text((tmp_path / "b.py").read_text().replace("other", "another"))
    assert twins.stale() == ["b.py"]

"""The checksum of a change: what does not change what a function does leaves it alone, all else changes it."""

from __future__ import annotations

import importlib.util
import linecache
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from aircraftops_data.coordination import Change, change
from aircraftops_data.coordination.source import checksum, source_of
from aircraftops_data.errors import DefinitionError

_NUMBERS = count()
Sum = Callable[..., str]


@pytest.fixture
def sum_of(tmp_path: Path) -> Sum:
    """The checksum of the change `made` that a module of this text declares, imported as any module is."""

    def found(text: str, **parameters: Any) -> str:
        path = tmp_path / f"declared_{next(_NUMBERS)}.py"
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        function = module.made.function if isinstance(module.made, Change) else module.made
        return checksum(source_of(function), parameters)

    yield found
    linecache.clearcache()


PLAIN = """
def made(context):
    first = "one"
    context.tx.put(first, [1, 2])
    if first:
        return
"""

SAME = {
    "a comment on a line of its own": PLAIN.replace("    if", "    # why\n    if"),
    "a comment at another indentation": PLAIN.replace("    if", "# why\n            # and how\n    if"),
    "a comment behind code": PLAIN.replace("[1, 2])", "[1, 2])  # two of them"),
    "a comment without a space": PLAIN.replace("[1, 2])", "[1, 2])# two"),
    "a comment that looks like code": PLAIN.replace("    if", '    # """ context.tx.put(2)\n    if'),
    "a comment behind the signature": PLAIN.replace("(context):", "(context):  # nobody asked"),
    "a comment above": "# why\n" + PLAIN.lstrip(),
    "a comment at the end": PLAIN + "    # over\n",
    "a comment outside of ASCII": PLAIN.replace("    if", "    # über — 飛行機 \u2028 \x0c over\n    if"),
    "blank lines": PLAIN.replace("\n    ", "\n\n\n    "),
    "blank lines with spaces": PLAIN.replace("\n    if", "\n      \n\t\n    if"),
    "a decorator": "from aircraftops_data.coordination import change\n\n@change('x')" + PLAIN,
    "a decorator over several lines": (
        "from aircraftops_data.coordination import change\n\n"
        "@change(\n    'x',  # its id\n\n    order='1',\n    mode='chunked',\n)" + PLAIN
    ),
    "another place in the file": "import os\n\n\nOTHER = 1\n" + PLAIN + "\n\ndef other():\n    pass\n",
    "a method": "class Some:" + PLAIN.replace("\n", "\n    ") + "\n\nmade = Some.made\n",
    "an inner function": "def outer():" + PLAIN.replace("\n", "\n    ") + "\n    return made\n\nmade = outer()\n",
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_what_a_function_does_not_do_leaves_its_checksum_alone(sum_of: Sum, text: str) -> None:
    assert sum_of(text) == sum_of(PLAIN)


OTHER = {
    "another name": PLAIN.replace("made", "made_too", 1) + "\nmade = made_too\n",
    "another number": PLAIN.replace("2]", "3]"),
    "a string that is another": PLAIN.replace('"one"', '"two"'),
    "a statement less": PLAIN.replace("    if first:\n        return\n", ""),
    "a statement more": PLAIN + "    return\n",
    "another indentation of a statement": PLAIN.replace("        return", "        pass\n    return"),
    "a default": PLAIN.replace("(context)", "(context=None)"),
    "an annotation": PLAIN.replace("(context)", "(context: object)"),
    "a statement that is commented out": PLAIN.replace("    context.tx", "    # context.tx"),
    "a docstring": PLAIN.replace("    first =", '    """Why."""\n    first =', 1),
    "a coroutine": PLAIN.replace("def", "async def"),
}


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_any_other_code_has_another_checksum(sum_of: Sum, text: str) -> None:
    assert sum_of(text) != sum_of(PLAIN)


STRINGS = {
    "nothing": "",
    "a blank line": "\n",
    "two blank lines": "\n\n",
    "a line of a space": "\n \n",
    "a line of two spaces": "\n  \n",
    "a space at the end": "value \n",
    "no space at the end": "value\n",
    "a line like a comment": "# value\n",
    "another line like a comment": "# other\n",
    "a line like a comment behind code": "value  # value\n",
    "a line less indented": "value\n# value\n",
    "a line more indented": "    value\n",
    "a tab": "\tvalue\n",
    "a form feed": "\x0c# value\n",
    "a line separator": "\u2028# value\n",
    "a next line": "\x85# value\n",
}
FRAMES = {
    "a string": 'def made(context):\n    x = """{}"""  # why\n\n    return x\n',
    "an f-string": 'def made(context):\n    x = f"""{}{{context}}"""  # why\n\n    return x\n',
    "a docstring": 'def made(context):\n    """Why.\n\n{}"""\n    return 1  # why\n',
    "an inner function's": (
        'def outer():\n    def made(context):\n        x = """{}"""  # why\n\n        return x\n    return made\n'
        "\nmade = outer()\n"
    ),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_every_character_of_a_string_counts(sum_of: Sum, frame: str) -> None:
    sums = {what: sum_of(frame.format(inside)) for what, inside in STRINGS.items()}
    assert len(set(sums.values())) == len(STRINGS)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_beside_a_string_comments_and_blank_lines_do_not_count(sum_of: Sum, frame: str) -> None:
    for inside in STRINGS.values():
        text = frame.format(inside)
        bare = text.replace("  # why\n\n", "\n").replace("  # why", "")
        assert sum_of(text) == sum_of(bare)


def test_a_line_that_goes_on_counts_as_one(sum_of: Sum) -> None:
    text = "def made(context):\n    x = 1 \\\n{}    -2\n    return x\n"
    assert sum_of(text.format("")) != sum_of(text.format("\n"))


def test_a_string_of_an_inner_function_may_be_indented_less(sum_of: Sum) -> None:
    text = 'def outer():\n    def made(context):\n        return """\nat the margin\n"""\n'
    text += "    return made\n\nmade = outer()\n"
    assert sum_of(text) != sum_of(text.replace("margin", "edge"))


def test_the_same_string_at_another_depth_is_the_same(sum_of: Sum) -> None:
    plain = 'def made(context):\n    return """\n  two\n"""\n'
    assert sum_of(plain) == sum_of(
        'class Some:\n    def made(context):\n        return """\n  two\n"""\n\nmade = Some.made\n'
    )
    assert sum_of(plain) != sum_of(
        'class Some:\n    def made(context):\n        return """\n      two\n"""\n\nmade = Some.made\n'
    )


PARAMETERS: dict[str, dict[str, Any]] = {
    "none": {},
    "one": {"a": 1},
    "true": {"a": True},
    "a fraction": {"a": 1.0},
    "text": {"a": "1"},
    "null": {"a": None},
    "a list": {"a": [1]},
    "a longer list": {"a": [1, 2]},
    "the list in another order": {"a": [2, 1]},
    "another name": {"b": 1},
    "two": {"a": 1, "b": 2},
    "deeper": {"a": {"b": 1}},
    "not ASCII": {"a": "é"},
    "looks escaped": {"a": "\\u00e9"},
}


def test_all_parameters_count(sum_of: Sum) -> None:
    assert len({sum_of(PLAIN, **parameters) for parameters in PARAMETERS.values()}) == len(PARAMETERS)


def test_the_order_of_parameters_does_not_count() -> None:
    assert checksum("", {"a": 1, "b": {"c": 2, "d": 3}}) == checksum("", {"b": {"d": 3, "c": 2}, "a": 1})


def test_source_and_parameters_cannot_stand_for_each_other() -> None:
    assert checksum('x","{}', {}) != checksum("x", {"{}": 1})
    assert checksum("", {"a": "b"}) != checksum('{"a":"b"}', {})


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object(), b"x"], ids=["set", "nan", "object", "bytes"])
def test_parameters_that_are_not_json_are_refused(value: object) -> None:
    with pytest.raises(DefinitionError, match="JSON"):
        checksum("", {"a": value})


def test_a_given_source_stands_for_that_of_the_function() -> None:
    def one(context: object) -> None: ...

    def other(context: object) -> None:
        raise NotImplementedError

    assert change("a", source="v1")(one).checksum == change("b", source="v1")(other).checksum
    assert change("a", source="v1")(one).checksum != change("a", source="v2")(one).checksum
    assert change("a")(one).checksum != change("a")(other).checksum


def test_where_there_is_no_source_the_checksum_says_what_to_give() -> None:
    namespace: dict[str, Any] = {}
    exec("def made(context): pass", namespace)
    with pytest.raises(DefinitionError, match="source="):
        _ = Change("made", namespace["made"]).checksum


GOLDEN = {
    "a plain function": (PLAIN, "ee6d3c628f293c88767a8058a86471c964e2199baae4bee523f3ade766214500"),
    "strings": (
        'def made(context):\n    x = """\n\n# not a comment\n  """  # a comment\n\n    return x, "#", \'\'\'\n\'\'\'\n',
        "79c9328ef0169b623ef488b173ecfa42752f345de0521abba636e0bd55bb4d63",
    ),
    "f-strings": (
        "def made(context):\n"
        '    x = f"""{{\n\n# not a comment }}{\n\ncontext\n}\n\n  {context!r:>{10}}"""  # a comment\n\n'
        "    # a comment\n    return x\n",
        "ae9dcff3dcaec356044944767865efb61550e40144e70d52bdd576cd3e95bca5",
    ),
    "other characters": (
        'def made(context):\n    é = "\u2028\x0c\x85飛行機"  # über\n\n    return é\n',
        "7613c7f2c3d305e70f47023d17b61b29bb2aa62328bb983539d7b7592fc965eb",
    ),
    "an inner function": (
        "def outer():\n    @staticmethod\n    def made(context):\n        # why\n        return (\n"
        '            1,  # one\n\n            """\n  two\n"""\n        )\n    return made.__func__\n\nmade = outer()\n',
        "8190d501ea91058f819e6da049a640a254bd47eb08a6da7269d97f07d20ef427",
    ),
}


@pytest.mark.parametrize(("text", "expected"), GOLDEN.values(), ids=GOLDEN)
def test_a_text_has_the_same_checksum_in_every_python(sum_of: Sum, text: str, expected: str) -> None:
    assert sum_of(text, a=1) == expected

"""The text a change's checksum is made of: what its function does, not how it is laid out."""

from __future__ import annotations

import ast
import inspect
import io
import json
import tokenize
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from aircraftops_data.errors import DefinitionError


def checksum(source: str, parameters: Mapping[str, Any]) -> str:
    """SHA-256 of a source text and parameters, in hexadecimal. Raises DefinitionError for what is not JSON."""
    try:
        text = json.dumps(parameters, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DefinitionError(f"The parameters of a change are JSON: {error}") from error
    return sha256(json.dumps([source, text]).encode()).hexdigest()


def source_of(function: Callable[..., Any]) -> str:
    """The source of a function without its decorators, comments, blank lines and the indentation it begins with.

    What it calls is not in it. Raises DefinitionError where there is no source, as in an interactive session.
    """
    try:
        text = inspect.getsource(function)
        indent = text[: len(text) - len(text.lstrip())]
        first = _first_line(text, indent)
    except (OSError, TypeError, SyntaxError, ValueError) as error:
        name = getattr(function, "__qualname__", repr(function))
        raise DefinitionError(f"There is no source of {name} to make a checksum of; give the change source=") from error
    return "\n".join(_without_layout(text, indent, first))


def _first_line(text: str, indent: str) -> int:
    """The line that what is defined begins on, behind its decorators."""
    if not indent:
        (defined,) = ast.parse(text).body
        return defined.lineno
    # Within a block it may be indented; to take the indentation away first would reach into its strings.
    (block,) = ast.parse(f"if True:\n{text}").body
    assert isinstance(block, ast.If)
    (defined,) = block.body
    return defined.lineno - 1


# Before Python 3.12, an f-string is one token; so what its fields hold is left as it is, whatever the Python.
_OPENING = frozenset(getattr(tokenize, name, None) for name in ("FSTRING_START", "TSTRING_START"))
_CLOSING = frozenset(getattr(tokenize, name, None) for name in ("FSTRING_END", "TSTRING_END"))


def _without_layout(text: str, indent: str, first: int) -> list[str]:
    """The lines from the first on, without comments, and without those that are empty then; strings stay untouched."""
    # As the tokenizer counts them: other characters that end lines for `splitlines` may stand in strings.
    lines = text.split("\n")
    inside: set[int] = set()
    opened: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        (row, column), (last, _) = token.start, token.end
        if token.type in _OPENING:
            opened.append(row)
        elif token.type in _CLOSING:
            inside.update(range(opened.pop() + 1, last + 1))
        elif token.type == tokenize.STRING:
            inside.update(range(row + 1, last + 1))
        elif token.type == tokenize.COMMENT and not opened:
            lines[row - 1] = lines[row - 1][:column].rstrip()
    numbered = list(enumerate(lines, 1))[first - 1 :]
    return [
        line if number in inside else line.removeprefix(indent)
        for number, line in numbered
        # Behind a backslash, an empty line ends a statement.
        if number in inside or line.strip() or lines[number - 2].endswith("\\")
    ]

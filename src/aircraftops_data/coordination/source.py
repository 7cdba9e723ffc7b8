"""The text a change's checksum is made of: what its function does, not how it is laid out."""

from __future__ import annotations

import ast
import inspect
import io
import json
import textwrap
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
    """The source of a function without its decorators, comments and blank lines.

    What it calls is not in it. Raises DefinitionError where there is no source, as in an interactive session.
    """
    try:
        text = textwrap.dedent(inspect.getsource(function))
        (defined,) = ast.parse(text).body
    except (OSError, TypeError, SyntaxError, ValueError) as error:
        name = getattr(function, "__qualname__", repr(function))
        raise DefinitionError(f"There is no source of {name} to make a checksum of; give the change source=") from error
    first = defined.lineno
    return "\n".join(_without_comments(textwrap.dedent("".join(text.splitlines(keepends=True)[first - 1 :]))))


def _without_comments(text: str) -> list[str]:
    """The lines as they are, without comments, and without those that are empty then; strings stay untouched."""
    lines = text.splitlines()
    inside: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        (row, column), (last, _) = token.start, token.end
        if token.type == tokenize.COMMENT:
            lines[row - 1] = lines[row - 1][:column].rstrip()
        elif last > row:
            inside.update(range(row, last + 1))
    return [line for number, line in enumerate(lines, 1) if number in inside or line.strip()]

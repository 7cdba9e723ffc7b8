"""Commands as tests type them: what they print, what they refuse, and what the page about them says they print."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from aircraftops_data.cli.app import app
from aircraftops_data.errors import AircraftOpsDataError

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"


# Typer makes all commands anew for each that is run; those of one noun are made sooner.
NOUNS = {str(group.name): group.typer_instance for group in app.registered_groups}


def attempted(noun: str, *arguments: str) -> Any:
    """What a command did, and how it ended."""
    return CliRunner().invoke(NOUNS[noun], arguments)


def invoked(*arguments: str, code: int = 0) -> Any:
    """What a command did, which exits with this code."""
    result = attempted(*arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def printed(*arguments: str, code: int = 0) -> Any:
    """What a command prints as JSON."""
    return json.loads(invoked(*arguments, "--json", code=code).stdout)


def refused(*arguments: str) -> AircraftOpsDataError:
    """The library's error a command ends with."""
    result = attempted(*arguments)
    assert isinstance(result.exception, AircraftOpsDataError), result.output
    return result.exception


def section(heading: str) -> str:
    """A section of the page about the command line."""
    (found,) = re.findall(rf"^## {heading}\n(.*?)(?=^## )", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


def examples(heading: str) -> list[tuple[list[str], str]]:
    """The commands of a section of the page, taken apart, and what it says they print."""
    (block,) = re.findall(r"^```text\n(.*?)^```", section(heading), re.MULTILINE | re.DOTALL)
    found = re.findall(r"^\$ aircraftops-data (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    return [(shlex.split(command), expected) for command, expected in found]


def words(text: str) -> list[str]:
    """The words of a text, without those that are different each time."""
    return [word for word in re.findall(r"[\w.{}%\"-]+", text) if not re.search(r"\d", word) and word.strip("━")]

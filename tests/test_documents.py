"""Every code block of the README and of the pages under docs runs; tables of settings and exit codes are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aircraftops_data.cli.output import EXIT_CODES
from aircraftops_data.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def with_python(pages: list[Path]) -> list[object]:
    """The pages that have Python, each as a parameter named by its path."""
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages if blocks(page, "python")]


@pytest.mark.slow
@pytest.mark.parametrize("page", with_python(PAGES))
def test_the_python_of_a_page_runs_from_top_to_bottom(
    page: Path,
    local_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    fresh_names: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", local_endpoint)
    monkeypatch.setenv("AIRCRAFTOPS_PREFIX", fresh_names)
    namespace: dict[str, object] = {"__name__": f"page_{page.stem}"}
    for block in blocks(page, "python"):
        # With the lines the block has in the page, so that the source of its functions is found there.
        before = page.read_text().partition(block)[0].count("\n")
        exec(compile("\n" * before + block, str(page), "exec"), namespace)
        printed = capsys.readouterr().out
        for said in re.findall(r"^ *print\(.*\) +# (.*)$", block, re.MULTILINE):
            assert said in printed


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_a_page_has_no_block_that_no_test_runs(page: Path) -> None:
    languages = set(re.findall(r"^```(\w+)$", page.read_text(), re.MULTILINE))
    assert languages <= {"python", "console", "mermaid", "text"}


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "console")], ids=lambda page: page.name)
def test_the_commands_of_a_page_print_what_it_says(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from typer.testing import CliRunner

    from aircraftops_data.cli.app import app

    for block in blocks(page, "console"):
        for command, expected in re.findall(r"^\$ aircraftops-data (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            printed = CliRunner().invoke(app, re.findall(r"'[^']*'|\S+", command.replace("'", "")))
            assert printed.exit_code == 0, printed.output
            assert _words(printed.output) == _words(expected)


def _words(text: str) -> list[str]:
    return re.findall(r"[\w#{}:,.=]+", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_readme_lists_every_setting() -> None:
    text = (ROOT / "README.md").read_text()
    assert [name for name in Settings.model_fields if f"`AIRCRAFTOPS_{name.upper()}`" not in text] == []


def test_the_command_line_page_lists_every_exit_code() -> None:
    text = (ROOT / "docs" / "cli.md").read_text()
    for kind, code in EXIT_CODES:
        assert re.search(rf"\| {code} \|.*`{kind.__name__}`", text), kind.__name__


def test_the_errors_page_shows_the_tree_of_the_errors_module() -> None:
    import aircraftops_data.errors as module

    drawn = (module.__doc__ or "").split("\n\n")[1]
    tree = "\n".join(line.removeprefix("    ") for line in drawn.splitlines())
    assert tree in (ROOT / "docs" / "errors.md").read_text()

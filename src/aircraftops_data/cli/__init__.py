"""The command line: `aircraftops-data`."""

import sys

from aircraftops_data.errors import MissingExtraError


def main() -> None:
    """Run the command line. Without the extra `cli` it says how to install it, and exits with 2."""
    try:
        import typer  # noqa: F401  # pyright: ignore[reportUnusedImport]
        from rich import console  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        error = MissingExtraError(
            'The command line needs two more packages: pip install "aircraftops-data[cli]"', extra="cli"
        )
        sys.exit(f"aircraftops-data: {error.message}")
    from aircraftops_data.cli.app import run

    run()

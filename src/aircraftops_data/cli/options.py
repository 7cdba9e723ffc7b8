"""What commands have in common: their options, the connection, and modules of the user's."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import Annotated

import typer

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.ops import AircraftOps
from aircraftops_data.settings import Settings
from aircraftops_data.testing import is_local, local_session

EndpointUrl = Annotated[str | None, typer.Option(help="An engine other than AWS's, such as http://localhost:8000.")]
Prefix = Annotated[str | None, typer.Option(help="Put before each table's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


def connected(endpoint_url: str | None, prefix: str | None) -> AircraftOps:
    """Connected by boto3's configuration; an engine on this machine needs none, and takes made-up credentials."""
    settings = Settings.from_environment(endpoint_url=endpoint_url, prefix=prefix)
    # The variable is boto3's, and what `local` prints.
    local = is_local(settings.endpoint_url or os.environ.get("AWS_ENDPOINT_URL_DYNAMODB", ""))
    return AircraftOps.connect(session=local_session() if local else None, settings=settings)


def imported(module: str) -> ModuleType:
    """A module of the user's, installed or in the directory they are in. Raises InvalidInputError."""
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return import_module(module)
    except (ImportError, ValueError) as error:
        raise InvalidInputError(f"Module {module!r} cannot be imported: {error}") from error

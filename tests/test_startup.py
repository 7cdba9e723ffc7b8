"""What a program loads to start with: what it uses, and nothing beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

ENTITIES = "Aircraft, AircraftType, ImageMetadata, MaintenanceEvent, Operator, Owner, Registration"
READ = """
from aircraftops_data import Aircraft
from aircraftops_data.translation.codec import codec_of
item = {"icao24": {"S": "a835af"}, "registration": {"S": "N628TS"}, "entity_type": {"S": "aircraft"}}
assert codec_of(Aircraft.definition()).entity(item).registration == "N628TS"
"""
USE = """
from aircraftops_data import AircraftOps
from moto import mock_aws
with mock_aws(), AircraftOps.connect() as ops:
    ops.create_tables()
    {}
"""
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-central-1"}


def loaded_by(statements: str, *packages: str) -> set[str]:
    """Which of these packages and modules a fresh interpreter has loaded after these statements."""
    report = f"import json, sys; print(json.dumps([name for name in {packages!r} if name in sys.modules]))"
    run = subprocess.run(
        [sys.executable, "-c", f"{statements}\n{report}"],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return set(json.loads(run.stdout))


def test_the_package_alone_loads_nothing() -> None:
    assert not loaded_by("import aircraftops_data", "pydantic", "boto3", "botocore", "pynamodb", "asyncio")


@pytest.mark.parametrize("statements", [f"from aircraftops_data import {ENTITIES}", READ], ids=["entities", "reading"])
def test_entities_are_declared_and_read_without_anything_of_aws(statements: str) -> None:
    assert not loaded_by(statements, "boto3", "botocore", "pynamodb", "urllib3", "asyncio", "ssl", "http.client")


def test_the_data_layer_is_imported_without_anything_of_aws() -> None:
    assert not loaded_by(
        "from aircraftops_data import AircraftOps, CoreTable, Settings, metered",
        *("boto3", "botocore", "pynamodb", "asyncio", "ssl", "aircraftops_data.transports.direct"),
    )


def test_jobs_and_workers_are_imported_without_asyncio_and_without_anything_of_aws() -> None:
    assert not loaded_by("from aircraftops_data.jobs import Jobs, Worker", "boto3", "botocore", "pynamodb", "asyncio")


def test_object_stores_and_signers_load_what_they_need_when_it_is_needed() -> None:
    statements = "from aircraftops_data.audit.signing import KmsSigner, PublicKeys\n"
    statements += "from aircraftops_data.transports.bucket import ObjectStore\n"
    statements += "ObjectStore('bucket'), KmsSigner('key')"
    assert not loaded_by(statements, "boto3", "botocore", "cryptography", "asyncio")


@pytest.mark.parametrize("transport", ["botocore", "direct"])
def test_a_blocking_connection_loads_neither_asyncio_nor_pynamodb(transport: str) -> None:
    statements = f"from aircraftops_data import AircraftOps; AircraftOps.connect(transport={transport!r}).close()"
    found = loaded_by(statements, "pynamodb", "asyncio", "aircraftops_data.transports.aio", "aircraftops_data.core.aio")
    assert not found


def test_the_default_transport_does_not_load_the_others() -> None:
    statements = "from aircraftops_data import AircraftOps; AircraftOps.connect().close()"
    assert not loaded_by(statements, "aircraftops_data.transports.direct", "aircraftops_data.transports.aio")
    assert loaded_by(statements, "botocore") == {"botocore"}


def test_pynamodb_is_loaded_by_the_first_expression() -> None:
    assert not loaded_by(USE.format("assert ops.aircraft.find('a835af') is None"), "pynamodb")
    assert loaded_by(USE.format("assert not ops.aircraft.operated_by('UAL').all()"), "pynamodb") == {"pynamodb"}

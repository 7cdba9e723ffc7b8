"""How long imports take, each in a fresh interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys

from benchmarks.results import Import

STATEMENTS = (
    "import aircraftops_data",
    "from aircraftops_data import Entity, PrimaryKey, CORE",
    "from aircraftops_data import CoreTable",
    "import pydantic",
    "from pydantic import BaseModel",
    "import boto3",
    "import pynamodb.models",
    "import pydynox",
    "import dyntastic",
    "import aiobotocore.session",
    "import aiodynamo.client",
    "import aws_lambda_powertools.utilities.data_classes",
)

_TIMED = "import time; _start = time.process_time(); {}; print((time.process_time() - _start) * 1e3)"


def measured(rounds: int) -> dict[str, Import]:
    """Every import, in rounds; one that fails here is left out."""
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for statement in STATEMENTS:
            command = [sys.executable, "-c", _TIMED.format(statement)]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if run.returncode == 0:
                times.setdefault(statement, []).append(float(run.stdout))
    return {name: Import(least=min(took), median=statistics.median(took)) for name, took in times.items()}

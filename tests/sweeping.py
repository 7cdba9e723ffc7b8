"""Sweeps through every place where something may go wrong: all cases on the engine in memory, a few on DynamoDB Local.

That both engines answer alike is shown in test_sim_engine.py. With AIRCRAFTOPS_SWEEP_LOCAL set (to anything), all cases
are swept on DynamoDB Local too, which takes minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from aircraftops_data import CoreTable

Anew = Callable[..., CoreTable]
"""The fixture `anew`: makes the core of one case."""
ALL_ON_LOCAL = bool(os.environ.get("AIRCRAFTOPS_SWEEP_LOCAL"))


def by_name(table: Mapping[str, Any]) -> list[Any]:
    """The values, each a parameter with its name for an id."""
    return [pytest.param(value, id=name) for name, value in table.items()]


def swept(cases: Mapping[str, Any], *on_local: str) -> pytest.MarkDecorator:
    """Parametrises `case` and `engine`: each case in memory, and these on DynamoDB Local too."""
    memory = [pytest.param(case, "memory", id=f"{name}-memory") for name, case in cases.items()]
    local = [
        pytest.param(cases[name], "local-direct", id=f"{name}-local-direct", marks=pytest.mark.slow)
        for name in (cases if ALL_ON_LOCAL else on_local)
    ]
    return pytest.mark.parametrize(("case", "engine"), memory + local, indirect=["engine"])


on_dynamodb_local = pytest.mark.parametrize(
    "engine", [pytest.param("local-direct", marks=pytest.mark.slow)], indirect=True
)

by_both_cores = pytest.mark.parametrize(
    "engine",
    ["moto", *(pytest.param(name, marks=pytest.mark.slow) for name in ("local", "local-async"))],
    indirect=True,
)
"""For faults that come in above the transport: by a direct connection the same code would meet the same errors again.

What such a connection makes of a fault of the engine's or of the line is in test_wire_faults.py.
"""

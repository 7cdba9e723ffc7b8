"""A function that AWS Powertools' logger, tracer and metrics wrap answers as by itself, and they see what it does."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.metrics import MetricUnit

from aircraftops_data import Aircraft
from aircraftops_data.streams import Change, Router
from aircraftops_data.streams.encoding import written

LOGS = io.StringIO()
LOGGER = Logger(service="search", stream=LOGS)
TRACER = Tracer(service="search", disabled=True)
METRICS = Metrics(namespace="Fleet", service="search")
ROUTER = Router()


@ROUTER.on(Aircraft)
@TRACER.capture_method
def reindex(change: Change[Aircraft]) -> None:
    """Say what there is, and fail where there is no registration."""
    LOGGER.info("reindexing", extra={"icao24": change.identity["icao24"]})
    METRICS.add_metric("Reindexed", MetricUnit.Count, 1)
    if change.new is not None and change.new.registration is None:
        raise ValueError("no registration")


@LOGGER.inject_lambda_context
@TRACER.capture_lambda_handler
@METRICS.log_metrics(capture_cold_start_metric=False)
def lambda_handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """What Lambda calls."""
    return ROUTER.handle(event, context)


@dataclass
class Context:
    """What Lambda gives a function beside the event."""

    function_name: str = "search"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:search"
    aws_request_id: str = "6f1d7e2c"

    def get_remaining_time_in_millis(self) -> int:
        """A minute."""
        return 60_000


@pytest.fixture(autouse=True)
def fresh_logs() -> Iterator[None]:
    """The log of one test; the library's own logger as it was."""
    library = logging.getLogger("aircraftops_data")
    handlers, level, propagate = list(library.handlers), library.level, library.propagate
    LOGS.seek(0)
    LOGS.truncate()
    yield
    library.handlers[:], library.propagate = handlers, propagate
    library.setLevel(level)


def records(*aircraft: Aircraft) -> dict[str, Any]:
    """An event of these aircraft, inserted."""
    told = [written(None, each, table="CoreTable", sequence=number) for number, each in enumerate(aircraft, 1)]
    return {"Records": told}


EVENT = records(Aircraft(icao24="a835af", registration="N628TS"), Aircraft(icao24="abcdef"))


def logged() -> list[dict[str, Any]]:
    """What was logged, line by line."""
    return [json.loads(line) for line in LOGS.getvalue().splitlines()]


def test_the_answer_is_that_of_the_router() -> None:
    failed = {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert lambda_handler(EVENT, Context()) == failed == ROUTER.handle(EVENT, Context())
    assert lambda_handler(records(), Context()) == {"batchItemFailures": []}


def test_what_a_function_of_a_change_logs_carries_the_request() -> None:
    lambda_handler(EVENT, Context())
    assert [(line["icao24"], line["function_request_id"]) for line in logged()] == [
        ("a835af", "6f1d7e2c"),
        ("abcdef", "6f1d7e2c"),
    ]


def test_metrics_of_a_batch_are_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    lambda_handler(EVENT, Context())
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["Reindexed"] == [1.0, 1.0]


def test_the_library_logs_through_powertools_where_it_is_told_to() -> None:
    copy_config_to_registered_loggers(LOGGER, include={"aircraftops_data"})
    lambda_handler(EVENT, Context())
    (warned,) = [line for line in logged() if line["level"] == "WARNING"]
    assert warned["message"] == "router stopped at a record: ValueError"

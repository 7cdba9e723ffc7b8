"""For tests of your own: an engine in one call, fixtures, a clock to hold."""

from typing import TYPE_CHECKING

from aircraftops_data.endpoints import is_local
from aircraftops_data.errors import EngineUnavailableError
from aircraftops_data.testing.clock import ManualClock
from aircraftops_data.testing.dynamodb_local import LocalDynamoDB
from aircraftops_data.testing.engine import LocalEngine
from aircraftops_data.testing.moto_server import MotoServer
from aircraftops_data.testing.opensearch import LocalOpenSearch
from aircraftops_data.testing.queues import LocalQueues

if TYPE_CHECKING:
    import boto3

__all__ = [
    "LocalDynamoDB",
    "LocalEngine",
    "LocalOpenSearch",
    "LocalQueues",
    "ManualClock",
    "MotoServer",
    "embedded_engine",
    "is_local",
    "local_session",
]


def embedded_engine() -> LocalEngine:
    """A started engine: DynamoDB Local, or moto where that cannot be had; its description says which and why.

    Stop it, or use it in a `with`. MissingExtraError if moto is needed and not installed.
    """
    try:
        return LocalDynamoDB().start()
    except EngineUnavailableError as unavailable:
        return MotoServer(note=f"DynamoDB Local cannot be had: {'; '.join(unavailable.tried)}").start()


def local_session() -> "boto3.Session":
    """A boto3 session with made-up credentials, which every local engine accepts."""
    import boto3

    return boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")

"""Jobs for asyncio; the blocking modules are generated from these."""

from aircraftops_data.jobs.aio.claim import AsyncClaim
from aircraftops_data.jobs.aio.jobs import AsyncJobs
from aircraftops_data.jobs.aio.turn import AsyncTurn
from aircraftops_data.jobs.aio.worker import AsyncWorker

__all__ = ["AsyncClaim", "AsyncJobs", "AsyncTurn", "AsyncWorker"]

"""Jobs for asyncio; the blocking modules are generated from these."""

from aircraftops_data.jobs.aio.claim import AsyncClaim
from aircraftops_data.jobs.aio.jobs import AsyncJobs

__all__ = ["AsyncClaim", "AsyncJobs"]

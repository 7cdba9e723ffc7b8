"""Processes that tests begin, stop and kill: forked from one that has loaded the library, which is most of a start."""

from __future__ import annotations

import multiprocessing

# It has no thread, no connection and no randomness of its own that those forked from it would share.
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    [
        "boto3",
        "aircraftops_data.audit.audit",
        "aircraftops_data.coordination",
        "aircraftops_data.jobs.jobs",
        "aircraftops_data.ops",
        "aircraftops_data.testing",
        "aircraftops_data.transports.direct",
    ]
)

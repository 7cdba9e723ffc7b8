"""Pollers are killed, stopped and lied to while others write: nothing is lost, and no checkpoint ever goes back.

AIRCRAFTOPS_POLLER_PROCESSES and AIRCRAFTOPS_POLLER_HARMS make the run larger: 8 and 60 is the full one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from job_crew import Gate, go_on, stop, until
from poller_crew import (
    LOST,
    MIRROR,
    Copy,
    Polling,
    Tank,
    Writer,
    backwards,
    caught_up,
    changes_of,
    checkpoints,
    delivered,
    pollers,
    stand,
    standing_still,
)

from aircraftops_data import CoreTable
from aircraftops_data.model.schema import CORE, JOBS
from aircraftops_data.testing import local_session
from forked import FORKED

pytestmark = pytest.mark.parametrize("engine", [pytest.param("local-direct", marks=pytest.mark.slow)], indirect=True)

Connect = Callable[..., CoreTable]
PROCESSES = int(os.environ.get("AIRCRAFTOPS_POLLER_PROCESSES", "3"))
HARMS = int(os.environ.get("AIRCRAFTOPS_POLLER_HARMS", "6"))
# On two slow cores, where a process takes seconds to begin.
PATIENCE_SECONDS = 90.0 + 5 * PROCESSES + 3 * HARMS


@pytest.fixture
def client(local_endpoint: str) -> Any:
    return local_session().client("dynamodb", endpoint_url=local_endpoint)


@pytest.fixture
def core(connect: Connect, client: Any) -> CoreTable:
    """All tables; that of the pollers has a stream too, in which every checkpoint there was can be seen."""
    core = connect(CORE, JOBS, MIRROR)
    switch(client, core.context.names[JOBS], "NEW_IMAGE")
    return core


def switch(client: Any, table: str, view: str | None) -> None:
    """Switch the stream of a table on, or off."""
    said = {"StreamEnabled": False} if view is None else {"StreamEnabled": True, "StreamViewType": view}
    client.update_table(TableName=table, StreamSpecification=said)


@pytest.fixture
def shift(core: CoreTable, local_endpoint: str, tmp_path: Path) -> Polling:
    """What processes are told."""
    return Polling(local_endpoint, core.context.names.prefix, "", lost_replies=0.02, journal=str(tmp_path))


def test_whatever_becomes_of_the_pollers_the_copy_is_the_table_and_nothing_goes_back(
    core: CoreTable, client: Any, shift: Polling, local_endpoint: str, tmp_path: Path
) -> None:
    with pollers(shift, PROCESSES) as crew:
        with Writer(core, keys=12) as writer:
            until(lambda: delivered(tmp_path) != [], PATIENCE_SECONDS)
            for _ in range(HARMS):
                crew.harm(core)
        # The table gets another stream, which is to be read once the first is read to its end.
        switch(client, core.context.names[CORE], None)
        switch(client, core.context.names[CORE], "NEW_AND_OLD_IMAGES")
        writer.write()
        crew.harm(core)
        until(lambda: caught_up(core), PATIENCE_SECONDS)
    assert standing_still(core) == []
    records = [change.sequence for change in changes_of(core, local_endpoint, CORE, Tank)]
    given = delivered(tmp_path)
    assert set(records) <= set(given)
    assert backwards(checkpoints(core, local_endpoint, JOBS)) == []
    copies = changes_of(core, local_endpoint, MIRROR, Copy)
    assert backwards([(change.new.name, change.new.sequence) for change in copies if change.new]) == []
    print(
        f"{PROCESSES} processes, {crew.killed} killed, {crew.stopped} stopped: {writer.writes} writes, "
        f"{len(records)} records, {len(given)} delivered, {len(checkpoints(core, local_endpoint, JOBS))} checkpoints"
    )


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "not guarded"])
def test_a_poller_that_stood_still_past_its_lease_sets_a_checkpoint_back_only_where_there_is_no_guard(
    core: CoreTable, shift: Polling, local_endpoint: str, guarded: bool
) -> None:
    core.put(Tank(name="a", litres=1))
    late = FORKED.Process(target=stand, args=(replace(shift, worker="late", fenced=guarded, lost_replies=0.0),))
    late.start()
    try:
        until(lambda: core.find(Gate, job_id="stands", consistent=True) is not None, PATIENCE_SECONDS)
        stop(late)
        core.put(Tank(name="a", litres=2))
        other = replace(shift, worker="other").poller(core)
        until(lambda: other.drain().records > 1, PATIENCE_SECONDS)
        core.create(Gate(job_id="go on"))
        go_on(late)
        late.join(PATIENCE_SECONDS)
    finally:
        late.kill()
    went_back = backwards(checkpoints(core, local_endpoint, JOBS))
    assert (late.exitcode, went_back == []) == ((LOST, True) if guarded else (0, False))

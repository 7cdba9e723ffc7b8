"""How fast a chain is verified, from its table and from a sealed export, and in how much memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from pydantic import BaseModel

from aircraftops_data import AircraftOps
from aircraftops_data.audit import FindingKind, Report
from aircraftops_data.audit.sealing import verify_objects
from aircraftops_data.audit.signing import PublicKeys
from aircraftops_data.clock import SystemClock
from aircraftops_data.testing import local_session
from aircraftops_data.transports.folder import FolderStore
from aircraftops_data.transports.parquet import pyarrow
from benchmarks.audit import paper
from benchmarks.audit.results import Source, Verified
from benchmarks.audit.ways import TENANT, said
from benchmarks.engine import connected
from benchmarks.memory import peak_megabytes
from benchmarks.processes import alone


class Task(BaseModel):
    """What is to be verified: a table's chain, behind a prefix of an endpoint, or an export, in a folder."""

    source: Source
    links: int
    group: int
    endpoint: str = ""
    place: str


def measured(
    tables: Iterable[tuple[int, int]],
    exports: Iterable[tuple[int, int]],
    endpoint: str,
    say: Callable[[str], object],
) -> Iterator[Verified]:
    """Chains of so many links, in blocks of so many; each verified by a process of its own."""
    for links, group in tables:
        say(f"verifying a table of {links:,} links, {group} a block")
        prefix = f"verify-{links}-{group}-"
        _stock(endpoint, prefix, links, group)
        yield _by_a_process(Task(source="table", links=links, group=group, endpoint=endpoint, place=prefix))
    for links, group in exports:
        say(f"verifying an export of {links:,} links, {group} a block")
        with TemporaryDirectory() as folder:
            paper.sealed(Path(folder), links, group)
            sources: tuple[Source, ...] = ("export", "export, deep")
            for source in sources:
                yield _by_a_process(Task(source=source, links=links, group=group, place=folder))


def _by_a_process(task: Task) -> Verified:
    return Verified.model_validate_json(alone("verify", task))


def _stock(endpoint: str, prefix: str, links: int, group: int) -> None:
    with connected(endpoint, prefix, transport="direct") as ops:
        chain = ops.audit.chain(TENANT)
        for _, numbers in groupby(range(links), lambda number: number // group):
            chain.append([ops.audit.event(**said(number)) for number in numbers])


def verified(task: Task) -> Verified:
    """In this process."""
    verify = _of_table(task) if task.source == "table" else _of_export(task)
    before, wall, cpu = peak_megabytes(), perf_counter(), process_time()
    report = verify()
    wall, cpu = perf_counter() - wall, process_time() - cpu
    assert report.ok, report.findings
    assert report.counts[FindingKind.OK] == task.links, f"{report.counts} of {task.links}"
    assert task.source == "table" or report.anchored_seq == task.links, "the checkpoint does not vouch for it"
    size = sum(path.stat().st_size for path in Path(task.place).rglob("*.parquet")) if not task.endpoint else 0
    return Verified(
        source=task.source,
        links=task.links,
        group=task.group,
        seconds=wall,
        cpu=cpu,
        before=before,
        peak=peak_megabytes(),
        file_megabytes=size / 1e6,
    )


def _of_table(task: Task) -> Callable[[], Report]:
    where = {"session": local_session(), "endpoint_url": task.endpoint, "prefix": task.place}
    chain = AircraftOps.connect(transport="direct", **where).audit.chain(TENANT)
    # Connected, and with what is made when it is first used.
    chain.verify(until_seq=1)
    return chain.verify


def _of_export(task: Task) -> Callable[[], Report]:
    folder = Path(task.place)
    pyarrow()
    keys, store, now = PublicKeys([paper.key_of(folder)]), FolderStore(folder), SystemClock().now()
    return lambda: verify_objects(TENANT, store, keys, now, deep=task.source == "export, deep")

"""Verifying a sealed export takes no more memory the larger the export is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as arrow
import pytest

from aircraftops_data.audit.block import Tip
from aircraftops_data.audit.checking import Links
from aircraftops_data.audit.exporting import Files, SealedWriter
from aircraftops_data.audit.merkle import Tree
from aircraftops_data.audit.report import FindingKind, Report
from aircraftops_data.audit.sealed import SealedVerification
from aircraftops_data.transports import parquet
from audit_on_paper import CHAIN, NOW, Paper, event

GROUP_BYTES = 200_000
PAYLOAD_BYTES = 20_000


@dataclass
class Watched(Links):
    """Sees how much memory pyarrow has at every block."""

    allocated: list[int] = field(default_factory=list[int])

    def follow(self, *given: Any) -> None:
        """Go on with a block."""
        self.allocated.append(arrow.total_allocated_bytes())
        super().follow(*given)


def test_groups_that_have_been_verified_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_BYTES", GROUP_BYTES)
    chain, chance = Paper(), Random(1)
    for number in range(200):
        # Text that hardly compresses: the file is nearly as large as its events.
        chain.block(event(number, payload=f'"{chance.randbytes(PAYLOAD_BYTES // 2).hex()}"'))
    files = Files.within(tmp_path)
    with SealedWriter(files, Tip()) as writer:
        writer.add(chain.taken)
    links = Watched(Report(CHAIN), Tip(), Tree("sha256"))
    run = SealedVerification(links, NOW)
    before = arrow.total_allocated_bytes()
    run.verify(files)
    assert run.finish().counts[FindingKind.OK] == 200
    assert files.events.stat().st_size > 10 * GROUP_BYTES
    assert max(links.allocated) - before < 10 * GROUP_BYTES

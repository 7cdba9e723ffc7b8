# Generated from audit/aio/sealing.py by tools/twins.py; edit that.
"""Making checkpoints and sealed exports of a chain, and verifying what lies in an object store."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from aircraftops_data.audit.aside import aside
from aircraftops_data.audit.block import Tip
from aircraftops_data.audit.checking import TREE_ALGORITHM, Links
from aircraftops_data.audit.checkpoint import (
    JSON,
    Checkpoint,
    Examined,
    Export,
    Keys,
    examine,
    folder_of,
    from_json,
    sign,
    to_json,
)
from aircraftops_data.audit.checkpointing import Draft, begun, drafted, keys_of, latest
from aircraftops_data.audit.exporting import Files, Pair, SealedWriter, named_of, pairs_of
from aircraftops_data.audit.merkle import Tree
from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.audit.parquet import Parts
from aircraftops_data.audit.report import Finding, FindingKind, Report
from aircraftops_data.audit.sealed import SealedVerification
from aircraftops_data.audit.sealed_events import SealedEvents
from aircraftops_data.audit.signing import Signer
from aircraftops_data.audit.verifying import Taken
from aircraftops_data.core.commit import write
from aircraftops_data.core.intents import Create
from aircraftops_data.core.run import Runner
from aircraftops_data.errors import AlreadyExistsError, ContentionError, CorruptItemError, TamperError
from aircraftops_data.transports.objects import Objects
from aircraftops_data.transports.parquet import PARQUET

_TRIES = 8


@dataclass(frozen=True)
class Sealing:
    """Vouches for one chain. What is made is put in `objects` too, where nobody may change it before `retain_until`.

    `keys` are those of earlier checkpoints that others than the signer made: a checkpoint is built upon only if its key
    is known, by these or by the signer; behind any other all of the chain is verified, and exported, anew.
    """

    chain: str
    runner: Runner
    signer: Signer
    objects: Objects | None = None
    keys: Keys | None = None
    retain_until: datetime | None = None

    def checkpoint(self) -> Checkpoint:
        """Verify what is new in the chain, and sign for it; the last checkpoint where nothing is new.

        Raises TamperError where something is wrong: then nothing is signed. InvalidInputError for an empty chain;
        ContentionError; what the signer and the objects raise.
        """
        keys = self._keys()
        for _ in range(_TRIES):
            draft = self.runner.run(drafted(self.chain, keys, self.runner.context))
            if draft.nothing_new is not None:
                self._publish(draft.nothing_new)
                return draft.nothing_new
            made = self._made(draft, ())
            if made is not None:
                return made
        raise ContentionError(f"Others made checkpoints of chain {self.chain!r} all the while")

    def seal(self, objects: Objects) -> Checkpoint:
        """Export what is new since the last export, read it back and verify it, and sign for both.

        The last checkpoint with exports where nothing is new. Needs the extra `parquet`, and room for the export twice
        in the directory for temporary files. Raises as `checkpoint`; MissingExtraError, OSError.
        """
        keys = self._keys()
        for _ in range(_TRIES):
            with TemporaryDirectory() as folder:
                made = self._sealed(objects, keys, Path(folder))
            if made is not None:
                return made
        raise ContentionError(f"Others made checkpoints of chain {self.chain!r} all the while")

    def _keys(self) -> Keys:
        return aside(keys_of, self.signer, self.keys)

    def _sealed(self, objects: Objects, keys: Keys, folder: Path) -> Checkpoint | None:
        context = self.runner.context
        draft = self.runner.run(begun(self.chain, keys, context, sealing=True))
        files = Files.within(folder)
        held = self._written(draft, files)
        self.runner.run(draft.settled())
        if draft.nothing_new is not None:
            return draft.nothing_new
        pair = Pair(*named_of(self.chain, draft.begin, draft.tip))
        mine = self._put(objects, files, pair)
        back = Files.within(folder / "back")
        exports = _got(objects, pair, back)
        aside(_check, draft, draft.checkpoint(context), back, held, exports != mine, context.clock.now())
        return self._made(draft, exports)

    def _written(self, draft: Draft, files: Files) -> int:
        """Write what is verified; how many events there were to write."""
        with SealedWriter(files, draft.begin) as writer:
            more = True
            while more:
                taken: list[Taken] = []
                draft.verification.taken = taken
                more = self.runner.run(draft.verification.page())
                aside(writer.add, taken)
        return writer.held

    def _put(self, objects: Objects, files: Files, pair: Pair) -> list[Export]:
        """Store both files; one that is there already, of a try that was broken off, is left for the check."""
        stored: list[Export] = []
        for export, path in pair.at(files):
            try:
                digest = objects.put_file(export.key, path, PARQUET, if_absent=True, retain_until=self.retain_until)
            except AlreadyExistsError:
                continue
            stored.append(export.model_copy(update={"sha256": bytes.fromhex(digest)}))
        return stored

    def _made(self, draft: Draft, exports: Iterable[Export]) -> Checkpoint | None:
        """The signed checkpoint, stored; None where others have made one in the meantime."""
        checkpoint = draft.checkpoint(self.runner.context, list(exports))
        if draft.last is not None:
            self._publish(draft.last)
        if self._overtaken(checkpoint):
            return None
        create = Create(aside(sign, checkpoint, self.signer))
        try:
            made = cast("Checkpoint", self.runner.run(write(create, self.runner.context)))
        except AlreadyExistsError:
            return None
        self._publish(made)
        return made

    def _overtaken(self, checkpoint: Checkpoint) -> bool:
        """Whether there is one of this number by now. Raises TamperError where only the objects have it."""
        if self.objects is None or self.objects.find(checkpoint.object_key) is None:
            return False
        found = self.runner.run(latest(self.chain, self.runner.context))
        if found and found[0].number >= checkpoint.number:
            return True
        told = f"The table has lost checkpoint {checkpoint.number} of chain {self.chain!r}, which is among the objects"
        raise TamperError(told, chain=self.chain)

    def _publish(self, checkpoint: Checkpoint) -> None:
        """Have it among the objects. Raises TamperError where there is another of this number."""
        if self.objects is None:
            return
        key = checkpoint.object_key
        found = self.objects.find(key)
        if found is None:
            try:
                retain = self.retain_until
                self.objects.put(key, to_json(checkpoint), JSON, if_absent=True, retain_until=retain)
            except AlreadyExistsError:
                found = self.objects.get(key)
        if found is not None and from_json(found).digest() != checkpoint.digest():
            told = f"Checkpoint {checkpoint.number} of chain {self.chain!r} is another among the objects"
            raise TamperError(told, chain=self.chain)


def _check(draft: Draft, end: Checkpoint, back: Files, held: int, deep: bool, now: datetime) -> None:
    """What was read back must say what the table said. Raises TamperError."""
    verification = SealedVerification(draft.links(end), now, deep)
    verification.verify(back)
    report = verification.finish()
    if not report.ok or report.counts[FindingKind.OK] != held:
        told = f"The export of chain {end.chain!r} that was read back is not what was written"
        raise TamperError(told, chain=end.chain)


def _got(objects: Objects, pair: Pair, files: Files) -> list[Export]:
    """Read both files; as exports with the digests they have."""
    found: list[Export] = []
    files.events.parent.mkdir(parents=True, exist_ok=True)
    for export, path in pair.at(files):
        digest = objects.get_file(export.key, path)
        found.append(export.model_copy(update={"sha256": bytes.fromhex(digest)}))
    return found


# Verifying


def outside(chain: str, objects: Objects, report: Report) -> list[Checkpoint]:
    """The checkpoints among the objects; what is none is in the report. To compare with the table, ask here first.

    Raises ObjectStoreError.
    """
    found: list[Checkpoint] = []
    for key in objects.keys(f"{folder_of(chain)}/checkpoints/"):
        try:
            found.append(from_json(objects.get(key)))
        except CorruptItemError:
            report.add(Finding(FindingKind.ALTERED, f"the object {key} is no checkpoint"))
    return found


@contextmanager
def opened(
    examined: Examined, objects: Objects, report: Report, since_seq: int = 1, until_seq: int | None = None
) -> Generator[SealedEvents]:
    """The sealed events of a range, by the exports that trusted checkpoints name; on disk until this is left.

    A file that is not what its checkpoint names is in the report, and left out. Raises ObjectStoreError.
    """
    with TemporaryDirectory() as folder:
        files: dict[range, Path] = {}
        for pair in (pair for checkpoint in examined.trusted for pair in pairs_of(checkpoint.exports)):
            if pair.last_seq < since_seq or (until_seq is not None and pair.first_seq > until_seq):
                continue
            path = Path(folder) / f"{len(files)}.parquet"
            digest = objects.get_file(pair.events.key, path)
            if _is(digest, pair.events, report):
                files[range(pair.first_seq, pair.last_seq + 1)] = path
        yield SealedEvents(files)


def _is(digest: str, export: Export, report: Report) -> bool:
    same = digest == export.sha256.hex()
    if not same:
        told = f"the export {export.key} is not the one its checkpoint names"
        report.add(Finding(FindingKind.ALTERED, told, seq=export.first_seq))
    return same


def verify_objects(chain: str, objects: Objects, keys: Keys | None, now: datetime, *, deep: bool = False) -> Report:
    """Verify the sealed exports of a chain and its checkpoints by the objects alone, without the table.

    Needs the extra `parquet`, and room for the largest export. Raises ObjectStoreError, CorruptItemError.
    """
    report = Report(chain)
    examined = examine(outside(chain, objects, report), keys, report)
    pairs = [pair for checkpoint in examined.checkpoints for pair in pairs_of(checkpoint.exports)]
    last = max((pair.last_seq for pair in pairs), default=0)
    anchors = [anchor for anchor in examined.anchors if anchor.size <= last]
    verification = SealedVerification(Links(report, Tip(), Tree(TREE_ALGORITHM), anchors), now, deep)
    for pair in pairs:
        with TemporaryDirectory() as folder:
            files = Files.within(Path(folder))
            found = _got(objects, pair, files)
            named = (pair.events, pair.blocks)
            same = [_is(got.sha256.hex(), export, report) for got, export in zip(found, named, strict=True)]
            if all(same):
                aside(verification.verify, files)
    return verification.finish()


# Plain exports


def export_events(events: Iterable[AuditEvent], objects: Objects, prefix: str = "audit/events") -> int:
    """Put events of any kind as Parquet files under a prefix, in partitions by date; how many there were.

    As `Parts` names them: exported again, the same events replace their files. Needs the extra `parquet`.
    """
    count = 0
    with TemporaryDirectory() as folder:
        parts = Parts(Path(folder))
        for event in events:
            count += 1
            if parts.add(event):
                _moved(aside(parts.written), Path(folder), objects, prefix)
        _moved(aside(parts.written), Path(folder), objects, prefix)
    return count


def _moved(paths: Iterable[Path], folder: Path, objects: Objects, prefix: str) -> None:
    for path in paths:
        objects.put_file(f"{prefix}/{path.relative_to(folder).as_posix()}", path, PARQUET)
        path.unlink()

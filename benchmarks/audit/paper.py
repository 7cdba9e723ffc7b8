"""Chains made without a table, as large as wanted: sealed exports with their checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aircraftops_data.audit.block import ALGORITHM, Block, Entry, Tip, block_item, next_block
from aircraftops_data.audit.checking import TREE_ALGORITHM
from aircraftops_data.audit.checkpoint import JSON, sign, to_json, unsigned
from aircraftops_data.audit.encoding import leaf_hash
from aircraftops_data.audit.exporting import Files, Pair, SealedWriter, named_of
from aircraftops_data.audit.identity import event_id, month_of
from aircraftops_data.audit.merkle import Tree
from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.audit.signing import Ed25519Signer
from aircraftops_data.audit.verifying import Taken
from aircraftops_data.clock import Chance
from aircraftops_data.core.intents import stamped
from aircraftops_data.model.definition import Item
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.transports.folder import FolderStore
from aircraftops_data.transports.parquet import PARQUET
from benchmarks.audit.ways import TENANT, said

BEGUN_AT = datetime(2026, 1, 1, tzinfo=UTC)
KEPT = timedelta(days=365)
_KEY_FILE = "key.pem"


def event_item(number: int) -> Item:
    """The stored item of an event."""
    at = BEGUN_AT + timedelta(milliseconds=number)
    what: dict[str, Any] = said(number)
    tail = blake2b(str(number).encode(), digest_size=5).hexdigest()
    event = AuditEvent(
        id=event_id(at, what["resource"], tail, Chance()),
        occurred_at=at,
        month=month_of(at),
        chain=TENANT,
        after_block=0,
        expires_at=at + KEPT,
        **what,
    )
    return codec_of(AuditEvent.definition()).item(stamped(event, 1, at)) | {"write_id": {"S": tail}}


def sealed(folder: Path, links: int, group: int) -> None:
    """Write a sealed export of a chain of so many events, its checkpoint, and the key that signed it."""
    store, signer, tree = FolderStore(folder), Ed25519Signer.generate(), Tree(TREE_ALGORITHM)
    tip = Tip()
    with TemporaryDirectory() as place:
        files = Files.within(Path(place))
        with SealedWriter(files, Tip()) as writer:
            for taken in _blocks(links, group):
                writer.add([taken])
                tree.extend([entry.leaf for entry in taken.block.entries])
                tip = Tip(taken.block.number, taken.block.hash, tip.size + len(taken.events))
        named = Pair(*named_of(TENANT, Tip(), tip)).at(files)
        exports = [
            export.model_copy(update={"sha256": bytes.fromhex(store.put_file(export.key, path, PARQUET))})
            for export, path in named
        ]
    checkpoint = sign(unsigned(TENANT, tip, tree, None, BEGUN_AT, exports), signer)
    store.put(checkpoint.object_key, to_json(checkpoint), JSON)
    store.put(_KEY_FILE, signer.public_pem())


def key_of(folder: Path) -> bytes:
    """The public key of what was sealed there."""
    return (folder / _KEY_FILE).read_bytes()


def _blocks(links: int, group: int) -> Iterator[Taken]:
    tip = Tip()
    for first in range(0, links, group):
        items = [event_item(number) for number in range(first, min(first + group, links))]
        entries = [
            Entry(item["resource"]["S"], item["id"]["S"], leaf_hash(item, ALGORITHM), int(item["expires_at"]["N"]))
            for item in items
        ]
        item = block_item(next_block(TENANT, tip, entries, BEGUN_AT, ALGORITHM, adopting=False), "benchmark", BEGUN_AT)
        block: Block = codec_of(Block.definition()).entity(item)
        tip = Tip(block.number, block.hash, tip.size + len(items))
        yield Taken(block, item, list(items))

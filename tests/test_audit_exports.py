"""Sealed exports and plain ones: what is in them, and that each way to tamper with them is found."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aircraftops_data.audit.aio.sealing as sealing_aio
from aircraftops_data.audit.aio.sealing import AsyncSealing
from aircraftops_data.audit.block import Entry, Tip, block_item, next_block
from aircraftops_data.audit.checking import Links
from aircraftops_data.audit.checkpoint import anchor_of, examine
from aircraftops_data.audit.encoding import decode_item, encode_item, leaf_hash_of
from aircraftops_data.audit.entries import header_of
from aircraftops_data.audit.exporting import Files, SealedWriter, pairs_of, stored_bytes
from aircraftops_data.audit.merkle import Tree
from aircraftops_data.audit.model import AuditEvent, FieldChange
from aircraftops_data.audit.parquet import EVENT_COLUMNS, Parts
from aircraftops_data.audit.report import FindingKind, Report
from aircraftops_data.audit.sealed import SealedVerification
from aircraftops_data.audit.sealed_events import SealedEvents
from aircraftops_data.audit.sealing import export_events, opened, verify_objects
from aircraftops_data.audit.signing import Ed25519Signer
from aircraftops_data.audit.verifying import Taken, verification
from aircraftops_data.core.aio.run import AsyncRunner
from aircraftops_data.core.context import Context
from aircraftops_data.errors import CorruptItemError, TamperError
from aircraftops_data.testing import ManualClock
from aircraftops_data.transports.folder import AsyncFolderStore, FolderStore
from audit_on_paper import (
    CHAIN,
    DAY,
    KEYS,
    NOW,
    SIGNER,
    AsyncTransport,
    Engine,
    Paper,
    entry_of,
    erasure,
    event,
    item_of,
    kinds,
    paper,
    runner_over,
)
from test_audit_checkpoints import sealing

LATER = NOW + DAY
GENESIS = Tip()
Change = Callable[[list[dict[str, Any]]], object]


def written(chain: Paper, folder: Path, begin: Tip = GENESIS) -> Files:
    """The sealed export of a chain."""
    files = Files.within(folder)
    with SealedWriter(files, begin) as writer:
        writer.add(chain.taken)
    return files


def verified(*files: Files, deep: bool = False, now: datetime = LATER, links: Links | None = None) -> Report:
    run = SealedVerification(links or Links(Report(CHAIN), Tip(), Tree("sha256")), now, deep)
    for each in files:
        run.verify(each)
    return run.finish()


def changed(path: Path, change: Change) -> None:
    """Write a file anew with other rows."""
    table = parquet.read_table(path)
    rows = table.to_pylist()
    change(rows)
    parquet.write_table(arrow.Table.from_pylist(rows, schema=table.schema), path)


def told(report: Report) -> list[tuple[str, int | None, int | None]]:
    return [(str(finding.kind), finding.block, finding.seq) for finding in report.findings]


def by_the_table(chain: Paper) -> Report:
    """What verifying the table gives."""
    runner, report = runner_over(Engine().hold(chain)), Report(CHAIN)
    run = runner.run(verification(CHAIN, 0, [], report, runner.context))
    runner.run(run.run(None))
    return report


# What is in them


def test_an_export_has_every_event_as_it_was_hashed(tmp_path: Path) -> None:
    chain = paper(3, 2)
    changes = [FieldChange(field="status", before=None, after="due")]
    said = {"details": {"b": [1, 2.5], "a": "é"}, "outcome": "denied", "payload": "{}", "source": "web"}
    chain.block(event(9, **said, changes=changes, expires_at=NOW + 9 * DAY))
    rows = parquet.read_table(written(chain, tmp_path).events).to_pylist()
    entries = [entry for taken in chain.taken for entry in taken.block.entries]
    assert [leaf_hash_of(row["item"], "sha256") for row in rows] == [entry.leaf for entry in entries]
    assert [(row["seq"], row["block"]) for row in rows] == [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3)]
    last = rows[-1]
    assert (last["details"], last["outcome"], last["payload"], last["source"]) == (
        '{"a":"é","b":[1,2.5]}',
        "denied",
        "{}",
        "web",
    )
    assert json.loads(last["changes"]) == [{"field": "status", "before": None, "after": "due", "redacted": None}]
    assert (last["occurred_at"], last["expires_at"]) == (NOW + timedelta(minutes=9), NOW + 9 * DAY)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha3_256", "blake2b"])
def test_an_export_says_what_the_table_says(tmp_path: Path, algorithm: str, deep: bool) -> None:
    chain = paper(3, 1, 5, algorithm=algorithm)
    report, table = verified(written(chain, tmp_path), deep=deep), by_the_table(chain)
    assert (report.ok, report.checked, report.blocks, report.findings) == (True, 9, 3, [])
    assert (report.counts, report.checked) == (table.counts, table.checked)


def test_events_that_are_gone_are_expired_erased_or_missing_as_by_the_table(tmp_path: Path) -> None:
    chain = paper()
    chain.block(event(0, expires_at=NOW + timedelta(hours=1)), event(1), event(2), event(3, expires_at=NOW + 9 * DAY))
    chain.block(erasure(4, chain.items[1]), event(5))
    chain.taken[0].events[:3] = [None, None, None]
    report = verified(written(chain, tmp_path))
    assert sorted(told(report)) == [("erased", 1, 2), ("expired", 1, 1), ("missing", 1, 3)]
    table = by_the_table(chain)
    assert sorted(told(report)) == sorted(told(table))
    assert report.counts == table.counts


def test_an_event_that_is_no_longer_what_was_hashed_is_not_exported(tmp_path: Path) -> None:
    chain = paper(2)
    chain.taken[0].events[1] = chain.items[1] | {"actor": {"S": "nobody"}}
    assert [row["item"] is None for row in parquet.read_table(written(chain, tmp_path).events).to_pylist()] == [
        False,
        True,
    ]


def test_an_event_kept_for_a_legal_hold_is_exported_as_it_was_committed(tmp_path: Path) -> None:
    chain = paper()
    chain.block(event(1, expires_at=NOW + 9 * DAY))
    held = {name: value for name, value in chain.items[0].items() if name != "expires_at"}
    chain.taken[0].events[0] = held
    assert told(verified(written(chain, tmp_path), deep=True)) == []


def test_one_export_goes_on_from_another(tmp_path: Path) -> None:
    chain = paper(3, 2)
    first = written(chain, _folder(tmp_path, "a"))
    end, older = chain.tip, list(chain.taken)
    chain.block(event(10), event(11))
    second = written(chain, _folder(tmp_path, "b"), end)
    assert verified(first, second).checked == 7
    assert verified(first, second).ok
    alone = verified(second)
    assert told(alone) == [("missing", 3, None)]
    resumed = Links(Report(CHAIN), end, Tree("sha256").extend(e.leaf for t in older for e in t.block.entries))
    assert verified(second, links=resumed).ok


def _folder(place: Path, name: str) -> Path:
    (place / name).mkdir()
    return place / name


def test_blocks_larger_than_a_batch_and_smaller_are_read_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aircraftops_data.audit.sealed._BATCH_ROWS", 4)
    monkeypatch.setattr("aircraftops_data.transports.parquet.GROUP_ROWS", 5)
    files = written(paper(1, 9, 4, 4, 2, 1, 1), tmp_path)
    assert parquet.ParquetFile(files.events).num_row_groups == 5
    assert verified(files).counts[FindingKind.OK] == 22
    events = SealedEvents({range(1, 23): files.events})
    leaves = [row["leaf"] for row in parquet.read_table(files.events).to_pylist()]
    assert [events.has(seq, leaf) for seq, leaf in enumerate(leaves, 1)] == [True] * 22
    assert not events.has(1, leaves[1])
    assert not events.has(23, leaves[1])


# Tampering

SAID = {
    "actor": "nobody",
    "action": "x",
    "tenant": "x",
    "outcome": "denied",
    "details": '{"x":1}',
    "payload": "x",
    "changes": "[1]",
    "source": "x",
    "correlation_id": "x",
    "occurred_at": NOW - DAY,
}


@pytest.mark.parametrize("name", SAID)
def test_a_column_that_says_other_than_the_item_is_found_when_looked_at_deeply(tmp_path: Path, name: str) -> None:
    files = written(paper(3, 2), tmp_path)
    changed(files.events, lambda rows: rows[1].update({name: SAID[name]}))
    assert told(verified(files, deep=True)) == [("altered", 1, 2)]


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    ("name", "other"),
    [("item", b"x"), ("leaf", bytes(32)), ("event_id", "0" * 32), ("resource", "x"), ("expires_at", NOW), ("block", 2)],
)
def test_an_altered_row_is_found(tmp_path: Path, name: str, other: Any, deep: bool) -> None:
    files = written(paper(3, 2), tmp_path)
    changed(files.events, lambda rows: rows[1].update({name: other}))
    report = verified(files, deep=deep)
    assert told(report) == [("altered", 1, 2)]
    assert report.counts[FindingKind.OK] == 4


def test_another_events_item_is_found(tmp_path: Path) -> None:
    files = written(paper(3), tmp_path)
    changed(files.events, lambda rows: rows[1].update(item=rows[0]["item"]))
    assert told(verified(files)) == [("altered", 1, 2)]


def test_an_item_whose_keys_are_not_those_of_its_fields_is_found_when_looked_at_deeply(tmp_path: Path) -> None:
    chain = Paper()
    taken = chain.block(event(1))
    moved = item_of(event(1)) | {"PK": {"S": "RESOURCE#elsewhere"}}

    block = next_block(CHAIN, Tip(), [entry_of(moved)], NOW, "sha256", adopting=False)
    item = block_item(block, "w", NOW)
    chain.taken[0] = Taken(block.model_copy(update={"hash": item["hash"]["B"]}), item, [moved])
    files = written(chain, tmp_path)
    assert taken is not None
    assert told(verified(files)) == []
    report = verified(files, deep=True)
    assert (kinds(report.findings), "keys" in report.findings[0].problem) == (["altered"], True)


def test_an_event_whose_column_alone_says_that_another_was_erased_erases_nothing(tmp_path: Path) -> None:
    chain = paper(2)
    erasing = erasure(4, chain.items[0])
    chain.block(erasing.model_copy(update={"action": "read"}))
    chain.taken[0].events[0] = None
    files = written(chain, tmp_path)
    changed(files.events, lambda rows: rows[2].update(action=erasing.action))
    assert told(verified(files)) == [("missing", 1, 1)]


def test_a_row_that_is_counted_twice_is_found(tmp_path: Path) -> None:
    files = written(paper(3, 2), tmp_path)
    changed(files.events, lambda rows: rows[1].update(seq=1))
    assert ("missing", 1, 2) in told(verified(files))


def test_a_row_that_was_taken_out_is_found(tmp_path: Path) -> None:
    files = written(paper(3, 2), tmp_path)
    changed(files.events, lambda rows: rows.pop(1))
    report = verified(files)
    assert told(report) == [("missing", 1, 2)]
    assert report.counts[FindingKind.OK] == 4


def test_the_last_rows_taken_out_are_found(tmp_path: Path) -> None:
    files = written(paper(3, 2), tmp_path)
    changed(files.events, lambda rows: rows.__delitem__(slice(3, None)))
    assert told(verified(files)) == [("missing", 2, 4), ("missing", 2, 5)]


@pytest.mark.parametrize("seq", [0, 2, 6])
def test_a_row_that_no_block_has_is_found(tmp_path: Path, seq: int) -> None:
    files = written(paper(3, 2), tmp_path)
    changed(files.events, lambda rows: rows.insert(min(seq, 5), rows[0] | {"seq": seq, "actor": "nobody"}))
    assert [kind for kind, _, _ in told(verified(files))] == ["altered"]


def test_rows_in_another_order_are_found(tmp_path: Path) -> None:
    files = written(paper(3, 2), tmp_path)
    changed(files.events, lambda rows: rows.reverse())
    assert not verified(files).ok


@pytest.mark.parametrize(
    "name", ["previous", "root", "item", "number", "committed_at", "adopting", "algorithm", "encoding"]
)
def test_an_altered_column_of_a_block_is_found(tmp_path: Path, name: str) -> None:
    others = {"number": 7, "committed_at": NOW - DAY, "adopting": True, "algorithm": "md5", "encoding": 2}
    files = written(paper(3, 2, 1), tmp_path)
    changed(files.blocks, lambda rows: rows[1].update({name: others.get(name, b"x" * 32)}))
    assert "altered" in kinds(verified(files).findings)


def test_an_altered_hash_breaks_the_link(tmp_path: Path) -> None:
    files = written(paper(3, 2, 1), tmp_path)
    changed(files.blocks, lambda rows: rows[1].update(hash=bytes(32)))
    assert told(verified(files)) == [("altered", 2, None), ("relinked", 3, None)]


def test_a_block_that_was_taken_out_is_found(tmp_path: Path) -> None:
    files = written(paper(3, 2, 1), tmp_path)
    changed(files.blocks, lambda rows: rows.pop(1))
    assert ("missing", 3, None) in told(verified(files))


def test_an_export_that_was_made_anew_does_not_fit_its_checkpoint(tmp_path: Path) -> None:
    made = sealing(Engine().hold(paper(3, 2))).checkpoint()
    anew = Paper()
    anew.block(event(0), event(1, actor="nobody"), event(2))
    anew.block(event(3), event(4))

    links = Links(Report(CHAIN), Tip(), Tree("sha256"), [anchor_of(made, trusted=True)])
    report = verified(written(anew, tmp_path), links=links)
    assert (kinds(report.findings), report.anchored_seq) == (["forked"], 0)


def test_an_export_that_ends_before_its_checkpoint_is_found(tmp_path: Path) -> None:

    made = sealing(Engine().hold(paper(3, 2))).checkpoint()
    links = Links(Report(CHAIN), Tip(), Tree("sha256"), [anchor_of(made, trusted=True)])
    assert told(verified(written(paper(3), tmp_path), links=links)) == [("truncated", None, None)]


def test_a_file_of_something_else_is_no_export(tmp_path: Path) -> None:
    files = written(paper(2), tmp_path)
    for data in b"", b"PAR1 and more", files.blocks.read_bytes():
        files.events.write_bytes(data)
        with pytest.raises(CorruptItemError):
            verified(files)


# Sealing


def sealed(engine: Engine, folder: Path, **options: Any) -> Any:
    objects = FolderStore(folder)
    return sealing(engine, objects=objects, **options).seal(objects)


def test_a_seal_names_its_files_and_all_is_verified_by_the_objects_alone(tmp_path: Path) -> None:
    chain = paper(3, 2)
    engine, objects = Engine().hold(chain), FolderStore(tmp_path)
    first = sealed(engine, tmp_path)
    chain.block(event(10), event(11))
    plain = sealing(engine.hold(chain), objects=objects).checkpoint()
    second = sealed(engine, tmp_path)
    assert [(export.first_seq, export.last_seq) for export in (*first.exports, *second.exports)] == [
        (1, 5),
        (1, 5),
        (6, 7),
        (6, 7),
    ]
    assert (first.number, plain.number, second.number, plain.exports) == (1, 2, 3, [])
    report = verify_objects(CHAIN, objects, KEYS, LATER, deep=True)
    assert (report.ok, report.findings, report.checked, report.anchored_seq) == (True, [], 7, 7)
    assert sealed(engine, tmp_path) == second


def test_what_is_altered_among_the_objects_is_found(tmp_path: Path) -> None:
    made = sealed(Engine().hold(paper(3, 2)), tmp_path)
    changed(tmp_path / made.exports[0].key, lambda rows: rows[1].update(actor="nobody"))
    report = verify_objects(CHAIN, FolderStore(tmp_path), KEYS, LATER)
    assert "altered" in kinds(report.findings)
    assert report.anchored_seq == 0


class Lossy(FolderStore):
    """Stores something else than what it was given."""

    def get_file(self, key: str, path: Path) -> str:
        super().get_file(key, path)
        changed(path, lambda rows: rows[0].update(item=None, hash=bytes(32)))
        return "00" * 32


def test_an_export_that_cannot_be_read_back_as_it_was_is_not_vouched_for(tmp_path: Path) -> None:
    engine = Engine().hold(paper(3, 2))
    with pytest.raises((TamperError, arrow.ArrowException)):
        sealing(engine).seal(Lossy(tmp_path))
    assert engine.of("audit_checkpoint") == []


def test_an_export_that_a_broken_off_try_left_is_named_if_it_is_right(tmp_path: Path) -> None:
    chain = paper(3, 2)
    made = sealed(Engine().hold(chain), tmp_path)
    again = sealing(Engine().hold(chain)).seal(FolderStore(tmp_path))
    assert again.exports == made.exports
    changed(tmp_path / made.exports[0].key, lambda rows: rows[1].update(actor="nobody"))
    with pytest.raises(TamperError, match="read back"):
        sealing(Engine().hold(chain)).seal(FolderStore(tmp_path))


def test_nothing_is_sealed_of_a_chain_that_was_tampered_with(tmp_path: Path) -> None:
    chain = paper(3, 2)
    engine = Engine().hold(chain)
    engine.drop(chain.items[1])
    with pytest.raises(TamperError, match="missing"):
        sealed(engine, tmp_path)
    assert list(FolderStore(tmp_path).keys()) == []


def test_an_expired_event_that_a_sealed_export_has_is_as_good_as_there(tmp_path: Path) -> None:

    chain = Paper()
    chain.block(event(0, expires_at=NOW + 2 * DAY), event(1), event(2))
    engine, objects = Engine().hold(chain), FolderStore(tmp_path)
    made = sealed(engine, tmp_path)
    engine.drop(chain.items[0])
    engine.drop(chain.items[1])
    runner, report = runner_over(engine), Report(CHAIN)
    runner.context.clock.advance(9 * DAY)  # type: ignore[attr-defined]
    with opened(examine([made], KEYS, report), objects, report) as events:
        run = runner.run(verification(CHAIN, 0, [], report, runner.context))
        run.sealed = events.has
        runner.run(run.run(None))
    assert report.counts == {FindingKind.OK: 2, FindingKind.MISSING: 1}
    assert "sealed export has it" in report.findings[0].problem


def test_an_export_that_is_not_the_one_that_was_named_counts_for_nothing(tmp_path: Path) -> None:

    chain = paper(3)
    made = sealed(Engine().hold(chain), tmp_path)
    changed(tmp_path / pairs_of(made.exports)[0].events.key, lambda rows: rows[0].update(actor="nobody"))
    report = Report(CHAIN)
    with opened(examine([made], KEYS, report), FolderStore(tmp_path), report) as events:
        assert not events.has(1, chain.taken[0].block.entries[0].leaf)
    assert kinds(report.findings) == ["altered"]


def test_a_seal_of_an_unknown_key_is_not_gone_on_from(tmp_path: Path) -> None:
    engine = Engine().hold(paper(3, 2))
    theirs = replace(sealing(engine), signer=Ed25519Signer.generate()).seal(FolderStore(tmp_path))
    mine = sealing(engine).seal(FolderStore(tmp_path))
    assert (mine.number, mine.exports) == (2, theirs.exports)


def test_a_seal_goes_on_from_the_last_of_a_known_key(tmp_path: Path) -> None:
    chain, objects = paper(3), FolderStore(tmp_path)
    engine = Engine().hold(chain)
    sealing(engine).seal(objects)
    for number in (10, 20):
        chain.block(event(number))
        engine.hold(chain)
        if number == 10:
            replace(sealing(engine), signer=Ed25519Signer.generate()).seal(objects)
    last = sealing(engine).seal(objects)
    assert [(export.first_seq, export.last_seq) for export in last.exports] == [(4, 5), (4, 5)]


def test_an_export_that_has_less_than_the_table_is_not_named(tmp_path: Path) -> None:
    chain = Paper()
    chain.block(event(0, expires_at=NOW + timedelta(hours=1)), event(1))
    made = sealed(Engine().hold(chain), tmp_path)
    bare = dict.fromkeys(set(EVENT_COLUMNS) - {"event_id", "resource", "expires_at"}) | {"item": None}
    changed(tmp_path / made.exports[0].key, lambda rows: rows[0].update(bare))
    with pytest.raises(TamperError, match="read back"):
        sealing(Engine().hold(chain)).seal(FolderStore(tmp_path))


def test_an_export_whose_blocks_are_other_ones_is_not_named(tmp_path: Path) -> None:
    chain = paper(3, 2)
    made = sealed(Engine().hold(chain), tmp_path)
    changed(tmp_path / made.exports[1].key, lambda rows: rows[1].update(root=bytes(32)))
    with pytest.raises(TamperError, match="read back"):
        sealing(Engine().hold(chain)).seal(FolderStore(tmp_path))


def test_the_same_for_asyncio(tmp_path: Path) -> None:
    async def all_of_it() -> tuple[Report, list[bool], int]:
        chain, objects = paper(3), AsyncFolderStore(tmp_path)
        runner = AsyncRunner(AsyncTransport(Engine().hold(chain)), Context(clock=ManualClock(LATER)))
        made = await AsyncSealing(CHAIN, runner, SIGNER, objects).seal(objects)
        report = Report(CHAIN)
        async with sealing_aio.opened(examine([made], KEYS, report), objects, report) as events:
            has = [events.has(seq, entry.leaf) for seq, entry in enumerate(chain.taken[0].block.entries, 1)]
        count = await sealing_aio.export_events(_each(several()), objects)
        return await sealing_aio.verify_objects(CHAIN, objects, KEYS, LATER), has, count

    report, has, count = asyncio.run(all_of_it())
    assert (report.ok, report.anchored_seq, has, count) == (True, 3, [True] * 3, 5)


async def _each(events: list[AuditEvent]) -> AsyncIterator[AuditEvent]:
    for each in events:
        yield each


# The bytes of entries


@pytest.mark.parametrize("expires_at", [None, 0, 5, 100, 1_800_000_000, -10])
def test_known_entries_are_found_in_the_bytes_of_a_block(expires_at: int | None) -> None:
    entries = [Entry("aircraft/é", "0" * 32, bytes(32), expires_at), Entry("", "", b"", expires_at)]
    item = block_item(next_block(CHAIN, GENESIS, entries[:1], NOW, "sha256", adopting=False), "w", NOW)
    header = header_of(stored_bytes(item), entries[:1])
    assert header is not None
    assert header | {"entries": item["entries"], "hash": item["hash"]} == item
    assert header_of(stored_bytes(item), entries) is None
    assert header_of(stored_bytes(item), [entries[0]._replace(leaf=bytes([1] * 32))]) is None
    assert header_of(stored_bytes(item)[:-1], entries[:1]) is None


STORED = block_item(next_block(CHAIN, GENESIS, [], NOW, "sha256", adopting=False), "w", NOW)
NUMBERS = "0", "7", "-10", "1.5", "100", "1E3", "0.001", "9" * 38, "1E125", "-1E-130"
VALUES = [{"N": number} for number in NUMBERS] + [
    *({"S": text} for text in ("", "é", "entries", "entriesL")),
    *({"B": data} for data in (b"", b"\0", b"S\0\0\0\1a")),
    {"BOOL": True},
    {"BOOL": False},
    {"NULL": True},
    {"L": [{"S": "a"}]},
    {"M": {}},
    {"SS": ["a"]},
]


@given(st.dictionaries(st.sampled_from(["a", "entries", "entrie", "z", "PK", "é", ""]), st.sampled_from(VALUES)))
def test_what_is_read_fast_is_what_is_read_slowly(item: dict[str, Any]) -> None:
    data = encode_item(item | {"entries": {"L": []}})
    assert header_of(data, []) in (None, decode_item(data))


@pytest.mark.parametrize("number", [b"100E0", b"10E1", b"+1E2", b"1E+2", b"1E02", b"1_0E1", b"1e2", b"100", b"E2", b""])
def test_a_number_that_is_not_written_as_it_should_be_is_left_to_who_knows(number: bytes) -> None:
    right = encode_item({"a": {"N": "100"}, "entries": {"L": []}})
    held = b"N\0\0\0\3" + b"1E2"
    assert held in right
    assert header_of(right, []) == {"a": {"N": "100"}, "entries": {"L": []}}
    assert header_of(right.replace(held, b"N\0\0\0" + bytes([len(number)]) + number), []) is None


@given(st.integers(0, len(encode_item(STORED)) - 1), st.integers(0, 255), st.booleans())
def test_of_bytes_that_were_altered_nothing_is_read_that_they_do_not_say(at: int, byte: int, cut: bool) -> None:
    data = encode_item(STORED)
    assert header_of(data, []) == decode_item(data)
    altered = data[:at] + bytes([byte]) * (not cut) + data[at + 1 :]
    try:
        slowly = decode_item(altered)
    except CorruptItemError:
        slowly = None
    assert header_of(altered, []) in (None, slowly)


# Plain exports


def several() -> list[AuditEvent]:
    return [event(number * 700, details={"n": number}, expires_at=NOW + 99 * DAY) for number in range(5)]


def test_a_plain_export_is_read_by_pyarrow_pandas_and_duckdb(tmp_path: Path) -> None:
    import duckdb
    import pandas

    assert export_events(several(), FolderStore(tmp_path), "x") == 5
    table = parquet.read_table(tmp_path / "x")
    assert table.num_rows == 5
    assert set(table.column_names) == {*EVENT_COLUMNS, "date"}
    assert compute.min(table["occurred_at"]).as_py() == NOW
    frame = pandas.read_parquet(tmp_path / "x").sort_values("occurred_at")
    assert [json.loads(text)["n"] for text in frame["details"]] == list(range(5))
    found = duckdb.sql(
        f"select date, count(*), max(epoch_us(occurred_at)) from read_parquet('{tmp_path}/x/**/*.parquet', "
        "hive_partitioning = true) group by date order by date"
    ).fetchall()
    assert [(str(day), count) for day, count, _ in found] == [("2026-11-20", 2), ("2026-11-21", 2), ("2026-11-22", 1)]
    assert found[-1][2] == int((NOW + timedelta(minutes=2800)).timestamp() * 1_000_000)


def test_the_same_events_make_the_same_files(tmp_path: Path) -> None:
    first, second = FolderStore(tmp_path / "a"), FolderStore(tmp_path / "b")
    export_events(several(), first)
    export_events(several(), second)
    export_events(several(), second)
    assert [first.get(key) for key in first.keys()] == [second.get(key) for key in second.keys()]  # noqa: SIM118
    assert list(first.keys())[0].startswith("audit/events/date=2026-11-20/part-")  # noqa: RUF015


def test_parts_are_written_when_there_are_many(tmp_path: Path) -> None:
    parts = Parts(tmp_path, most=2)
    full = [parts.add(each) and len(parts.written()) for each in several()]
    assert full == [False, 1, False, 1, False]
    assert len(parts.written()) == 1
    assert parquet.read_table(tmp_path).num_rows == 5

"""A backfill from an export to S3: each line once, wherever it stops, and no file that is not the manifest's."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aircraftops_data import Aircraft, CoreTable
from aircraftops_data.core.context import Context
from aircraftops_data.errors import CorruptItemError, InvalidInputError, ObjectStoreError
from aircraftops_data.model.schema import CORE
from aircraftops_data.request import Request
from aircraftops_data.streams import Cause, Operation, Poison
from aircraftops_data.streams.backfill import Backfill
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.transports.folder import FolderStore
from aircraftops_data.wire import body_of
from backfilling import ALONE, Taken, Taking, address
from exported import FOLDER, entry, export, manifest
from sim_engine import MemoryEngine

WHEN = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def objects(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def core(clock: ManualClock) -> CoreTable:
    return CoreTable(MemoryEngine(), Context(clock=clock))


def stored(number: int, **fields: Any) -> Any:
    """The item of an aircraft as JSON has it."""
    aircraft = Aircraft(icao24=address(number), version=1, created_at=WHEN, updated_at=WHEN, **fields)
    return json.loads(body_of(Request("x", codec_of(Aircraft.definition()).item(aircraft))))


def full(*numbers: int) -> list[Any]:
    return [{"Item": stored(number)} for number in numbers]


def written(number: int, old: Any = None, new: Any = None) -> dict[str, Any]:
    """A line of an incremental export."""
    key = {name: stored(number)[name] for name in ("PK", "SK")}
    images = {"OldImage": old, "NewImage": new}
    micros = str(int(WHEN.timestamp() * 1_000_000) + number)
    return {
        "Metadata": {"WriteTimestampMicros": {"N": micros}},
        "Keys": key,
        **{name: image for name, image in images.items() if image is not None},
    }


def backfill(core: CoreTable, router: Taking, objects: FolderStore, **options: Any) -> Backfill:
    options = {"segments": 1, "page": 2, "locks": ALONE, **options}
    return Backfill.from_export(core, router, "search", objects, f"{FOLDER}/", CORE, **options)


def addresses(*numbers: int) -> Counter[str]:
    return Counter(map(address, numbers))


def test_each_item_of_a_full_export_is_a_snapshot(core: CoreTable, objects: FolderStore) -> None:
    export(objects, [full(1, 2, 3, 4), [], full(5)])
    router = Taking()
    report = backfill(core, router, objects, segments=3).run()
    assert (report.finished, report.done, len(report.parts)) == (True, 5, 3)
    assert router.given == addresses(1, 2, 3, 4, 5)
    assert {(change.cause, change.table) for change in router.changes} == {(Cause.SNAPSHOT, "CoreTable")}
    assert backfill(core, router, objects).run().finished
    assert router.given.total() == 5


def test_each_line_of_an_incremental_export_is_the_change_it_tells(core: CoreTable, objects: FolderStore) -> None:
    before, after = stored(2), stored(2, operator="UAL")
    lines = [written(1, None, stored(1)), written(2, before, after), written(3, stored(3))]
    export(objects, [lines], exportType="INCREMENTAL_EXPORT", outputView="NEW_AND_OLD_IMAGES")
    router = Taking()
    assert backfill(core, router, objects).run().finished
    assert [change.operation for change in router.changes] == [Operation.INSERT, Operation.MODIFY, Operation.REMOVE]
    assert router.changes[1].changed == {"operator"}
    assert router.changes[2].at == WHEN.replace(microsecond=3)


def test_a_line_that_fails_stops_its_file_and_the_next_run_begins_with_it(
    core: CoreTable, objects: FolderStore
) -> None:
    export(objects, [full(1, 2, 3, 4, 5), full(6, 7)])
    router = Taking(failing={address(4)})
    report = backfill(core, router, objects).run()
    assert [(part.done, part.finished) for part in report.parts] == [(3, False), (2, True)]
    router.failing.clear()
    assert backfill(core, router, objects).run().done == 7
    assert router.given == addresses(1, 2, 3, 4, 5, 6, 7)


def test_what_has_expired_by_now_is_not_given(core: CoreTable, objects: FolderStore, clock: ManualClock) -> None:
    lines = [{"Item": stored(n, expires_at=clock.now().replace(year=clock.now().year + n - 2))} for n in range(5)]
    export(objects, [lines])
    router = Taking()
    assert backfill(core, router, objects).run().done == 2
    assert router.given == addresses(3, 4)


@pytest.mark.parametrize("said", [3, 5])
def test_a_file_with_another_count_of_items_than_the_manifest_says_is_not_finished(
    core: CoreTable, objects: FolderStore, said: int
) -> None:
    (key,) = export(objects, [full(1, 2, 3, 4)], itemCount=said)
    manifest(objects, [entry(key, objects.get(key), said)])
    _stops(core, objects, "manifest says")


def test_a_file_of_another_md5_is_not_read(core: CoreTable, objects: FolderStore) -> None:
    (key,) = export(objects, [full(1, 2)])
    objects.put(key, objects.get(key) + b"x")
    assert not _stops(core, objects, "MD5").changes


def test_a_file_that_is_cut_off_or_no_json_stops_its_part(core: CoreTable, objects: FolderStore) -> None:
    (key,) = export(objects, [full(1, 2, 3)])
    for data in objects.get(key)[:-12], gzip.compress(b'{"Item": {}\n'), gzip.compress(b"[]\n"), b"no gzip":
        objects.put(key, data)
        manifest(objects, [entry(key, data, 3)])
        _stops(core, objects, "")


def test_an_item_whose_expiry_is_no_time_is_given_as_what_cannot_be_read(core: CoreTable, objects: FolderStore) -> None:
    lines = [{"Item": stored(number) | {"delete_at": said}} for number, said in enumerate([{"N": "x"}, "x", None])]
    export(objects, [[{"Item": "x"}, {"Item": None}, *lines, *full(4)]])
    given: list[Any] = []
    router = Taking(decoder=Decoder([Aircraft]))
    router.take = lambda records: given.extend(records) or Taken(len(records))  # type: ignore[method-assign]
    assert backfill(core, router, objects).run().finished
    assert [isinstance(record, Poison) for record in given] == [True] * 5 + [False]


def _stops(core: CoreTable, objects: FolderStore, why: str) -> Taking:
    router = Taking()
    report = backfill(core, router, objects).run()
    (failed,) = report.failed
    assert isinstance(failed.error, CorruptItemError)
    assert why in failed.error.message
    assert not report.finished
    return router


def test_a_missing_file_stops_its_part_alone(core: CoreTable, objects: FolderStore, tmp_path: Path) -> None:
    first, _ = export(objects, [full(1), full(2)])
    (tmp_path / first).unlink()
    router = Taking()
    (failed,) = backfill(core, router, objects).run().failed
    assert isinstance(failed.error, ObjectStoreError)
    assert router.given == addresses(2)


def test_manifests_that_contradict_each_other_or_tell_of_another_format_are_refused(
    core: CoreTable, objects: FolderStore
) -> None:
    export(objects, [full(1)], itemCount=2)
    with pytest.raises(CorruptItemError, match="2 items"):
        backfill(core, Taking(), objects)
    for name in ("tableArn", "exportArn"):
        export(objects, [full(1)], **{name: None})
        with pytest.raises(CorruptItemError, match="which export"):
            backfill(core, Taking(), objects)
    export(objects, [full(1)], outputFormat="ION")
    with pytest.raises(InvalidInputError, match="ION"):
        backfill(core, Taking(), objects)


def test_a_copy_elsewhere_and_data_files_shared_by_exports_are_found(core: CoreTable, objects: FolderStore) -> None:
    (key,) = export(objects, [full(1)])
    copied, data = FolderStore(objects.path / "copy"), objects.get(key)
    # Incremental exports have their data beside the folders of their manifests.
    shared = "other/AWSDynamoDB/data/file.json.gz"
    summary = objects.get(f"{FOLDER}/manifest-summary.json")
    copied.put("AWSDynamoDB/1/manifest-summary.json", summary)
    copied.put("AWSDynamoDB/1/manifest-files.json", json.dumps(entry(shared, data, 1)).encode())
    copied.put("AWSDynamoDB/data/file.json.gz", data)
    router = Taking()
    assert Backfill.from_export(core, router, "copy", copied, "AWSDynamoDB/1", CORE, locks=ALONE).run().finished
    assert router.given == addresses(1)


def test_another_export_under_the_same_name_is_refused(core: CoreTable, objects: FolderStore) -> None:
    export(objects, [full(1)])
    backfill(core, Taking(), objects).run()
    export(objects, [full(1)], exportArn="another")
    with pytest.raises(InvalidInputError, match="another source"):
        backfill(core, Taking(), objects).run()


def test_a_page_holds_no_more_than_a_megabyte(core: CoreTable, objects: FolderStore) -> None:
    lines: Sequence[Any] = [
        {"Item": {**stored(number), "model": {"S": "x" * 200}, "padding": {"S": "y" * 300_000}}} for number in range(9)
    ]
    export(objects, [lines])
    router = Taking()
    backfill(core, router, objects, page=1000).run()
    assert router.pages == [4, 4, 1]

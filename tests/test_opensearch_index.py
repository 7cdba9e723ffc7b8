"""OpenSearch as a sink: what it refuses, what is tried again, and what its index is made with."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from aircraftops_data.clock import Chance, Retry
from aircraftops_data.entities.aircraft import Aircraft
from aircraftops_data.entities.operators import Operator
from aircraftops_data.entities.values import AircraftStatus
from aircraftops_data.errors import (
    AccessDeniedError,
    DefinitionError,
    MissingExtraError,
    RequestRefusedError,
    StoreError,
    TableMissingError,
    ThrottledError,
    TimeoutError,
)
from aircraftops_data.model.declarations import PrimaryKey
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import Table
from aircraftops_data.streams.sinks import opensearch
from aircraftops_data.streams.sinks.mapping import kind_of, mapping_of
from aircraftops_data.streams.sinks.opensearch import OpenSearchIndex
from aircraftops_data.testing import ManualClock
from streaming import change, fresh_address, history, stored

FIELDS: Any = {Aircraft: ["registration", "year_built"]}
SHIP = Aircraft(icao24="a835af", registration="N628TS")


def ships(count: int) -> list[Any]:
    return [change(None, stored(Aircraft(icao24=f"{number:06x}", model="x" * 200))) for number in range(1, count + 1)]


class Marked(Entity, table=Table("SearchMarks"), entity_type="search_mark"):
    """Has a field that others have too, of another kind."""

    mark_id: str
    status: int = 0

    primary = PrimaryKey("MARK#{mark_id}", "MARK")


class Indices:
    def __init__(self) -> None:
        self.there = True

    def exists(self, index: str) -> bool:
        return self.there


class Client:
    """Stands for a client of opensearch-py: answers each bulk with the next statuses, or raises what stands there."""

    def __init__(self, *answers: Sequence[int | tuple[int, str]] | Exception) -> None:
        self.indices = Indices()
        self.documents: list[Any] = []
        self.sizes: list[int] = []
        self.bytes: list[int] = []
        self._answers = iter(answers)

    def bulk(self, body: bytes, **given: Any) -> Any:
        heads = [line for line in body.splitlines() if line.startswith((b'{"index":{"_id"', b'{"delete":{"_id"'))]
        self.sizes.append(len(heads))
        self.bytes.append(len(body))
        answer = next(self._answers, [201] * len(heads))
        if isinstance(answer, Exception):
            raise answer
        assert len(answer) == len(heads)
        return {"items": [{"index": self._item(status)} for status in answer]}

    def _item(self, said: int | tuple[int, str]) -> Any:
        status, kind = said if isinstance(said, tuple) else (said, f"type_{said}")
        return {"status": status, **({"error": {"type": kind, "reason": "N628TS"}} if status > 299 else {})}

    def mget(self, body: Any, **given: Any) -> Any:
        (known,) = body.get("ids") or [document["_id"] for document in body["docs"]]
        return {"docs": [{"_id": known, **self.documents.pop(0)}]}

    def count(self, **given: Any) -> Any:
        return {"count": 3, "_shards": {"total": 2, "successful": 1, "failed": 1}}

    def search(self, **given: Any) -> Any:
        return {"hits": {"hits": []}, "_shards": {"total": 2, "successful": 1, "failed": 1}}


def index_over(client: Client, **options: Any) -> tuple[OpenSearchIndex, ManualClock]:
    clock = ManualClock()
    given: Any = {"fields": {Aircraft: ["registration", "model"]}, "retry": Retry(attempts=4), "clock": clock}
    return OpenSearchIndex(client, "ships", **{**given, **options}), clock


class TestWhatMayPass:
    def test_only_what_was_turned_away_is_sent_again(self) -> None:
        client = Client([201, 429, 503, 201], [429, 201], [201])
        index, clock = index_over(client)
        assert index.write(ships(4)) == []
        assert client.sizes == [4, 2, 1]
        assert len(clock.slept) == 2

    @pytest.mark.parametrize(("status", "kind"), [(429, ThrottledError), (503, StoreError)])
    def test_the_tries_run_out(self, status: int, kind: type[StoreError]) -> None:
        client = Client(*[[201, status], *[[status]] * 10])
        index, _ = index_over(client)
        with pytest.raises(kind) as caught:
            index.write(ships(2))
        assert caught.value.retryable
        assert client.sizes == [2, 1, 1, 1]

    @pytest.mark.parametrize(
        ("status", "kind"), [(403, AccessDeniedError), (404, TableMissingError), (500, StoreError)]
    )
    def test_what_will_not_pass_is_not_tried_again(self, status: int, kind: type[StoreError]) -> None:
        client = Client([201, status])
        index, clock = index_over(client)
        with pytest.raises(kind) as caught:
            index.write(ships(2))
        assert (caught.value.retryable, clock.slept, client.sizes) == (False, [], [2])
        assert "N628TS" not in str(caught.value)

    def test_a_whole_request_is_sent_again_when_no_answer_comes(self) -> None:
        from opensearchpy import exceptions as of

        lost = [of.ConnectionError("N/A", "refused", None), of.ConnectionTimeout("TIMEOUT", "late", None)]
        client = Client(*lost, of.TransportError(429, "circuit_breaking_exception", {}), [409, 201])
        index, clock = index_over(client)
        assert index.write(ships(2)) == []
        assert (client.sizes, len(clock.slept)) == ([2, 2, 2, 2], 3)

    def test_who_answers_in_the_place_of_opensearch_is_asked_again(self) -> None:
        from opensearchpy import exceptions as of

        page = of.SerializationError("Unknown mimetype, unable to deserialize: text/html")
        client = Client(page, of.TransportError("N/A", "Unable to sniff hosts."), [201])
        assert index_over(client)[0].write(ships(1)) == []
        with pytest.raises(StoreError) as caught:
            index_over(Client(*[page] * 4))[0].write(ships(1))
        assert caught.value.retryable

    def test_no_answer_to_the_last_try_is_a_timeout(self) -> None:
        from opensearchpy import exceptions as of

        index, _ = index_over(Client(*[of.ConnectionTimeout("TIMEOUT", "late", None)] * 4))
        with pytest.raises(TimeoutError):
            index.write(ships(1))

    def test_who_may_not_write_is_told_so_at_once(self) -> None:
        from opensearchpy import exceptions as of

        index, clock = index_over(Client(of.AuthorizationException(403, "security_exception", {})))
        with pytest.raises(AccessDeniedError, match="security_exception"):
            index.write(ships(1))
        assert clock.slept == []

    def test_of_a_closed_index_no_change_is_at_fault(self) -> None:
        client = Client([(400, "index_closed_exception")] * 2)
        with pytest.raises(StoreError, match="index_closed_exception"):
            index_over(client)[0].write(ships(2))

    def test_a_removal_by_its_keys_is_not_left_out_because_a_shard_is_away(self) -> None:
        away = {"error": {"type": "no_shard_available_action_exception", "reason": "N628TS"}}
        client = Client([200])
        client.documents = [away, {"found": True, "_version": 7}]
        index, clock = index_over(client)
        assert index.write([history(SHIP, None, view="NEW_IMAGE")[1]]) == []
        assert (client.sizes, len(clock.slept)) == ([1], 1)
        client.documents = [away] * 4
        with pytest.raises(StoreError) as caught:
            index.get(Aircraft, icao24="a835af")
        assert caught.value.retryable

    def test_what_only_some_shards_say_is_not_taken_for_the_whole(self) -> None:
        index, _ = index_over(Client())
        for call in (index.count, lambda: index.search("x")):
            with pytest.raises(StoreError, match="shards_failed") as caught:
                call()
            assert caught.value.retryable


class TestRequests:
    def test_they_are_bounded_by_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(opensearch, "MOST_ACTIONS", 3)
        client = Client()
        index_over(client)[0].write(ships(7))
        assert client.sizes == [3, 3, 1]

    def test_they_are_bounded_by_bytes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(opensearch, "MOST_BYTES", 1500)
        client = Client()
        index_over(client)[0].write(ships(9))
        assert len(client.sizes) > 1
        assert sum(client.sizes) == 9
        assert max(client.bytes) <= 1500

    def test_one_that_is_larger_than_the_bound_goes_by_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(opensearch, "MOST_BYTES", 10)
        client = Client()
        index_over(client)[0].write(ships(3))
        assert client.sizes == [1, 1, 1]

    def test_changes_of_one_item_go_one_after_the_other_and_none_behind_a_refused_one(self) -> None:
        client = Client([201, 201], [400], [201])
        index, _ = index_over(client)
        changes = [*history(SHIP, SHIP, SHIP), *ships(1)]
        assert [refused.change for refused in index.write(changes)] == changes[1:3]
        assert client.sizes == [2, 1]

    def test_nothing_is_sent_for_no_changes(self) -> None:
        client = Client()
        assert index_over(client)[0].write([]) == []
        assert client.sizes == []

    def test_without_its_index_nothing_is_written(self) -> None:
        client = Client()
        index, _ = index_over(client)
        index.write(ships(1))
        client.indices.there = False
        with pytest.raises(TableMissingError, match="create_index"):
            index.write(ships(2))
        assert client.sizes == [1]

    def test_a_refused_change_holds_back_none_of_another_table_that_has_the_same_key(self) -> None:
        first, second = history(SHIP, SHIP)
        client = Client([400, 201])
        assert [each.change for each in index_over(client)[0].write([first, replace(second, table="copy")])] == [first]
        assert client.sizes == [2]

    def test_a_refused_change_holds_back_another_entity_that_took_its_key(self) -> None:
        first, second = history(SHIP, SHIP)
        second = replace(second, entity=Operator, new=stored(Operator(icao="UAL", name="United")))
        client = Client([400])
        index, _ = index_over(client, fields=FIELDS | {Operator: ["name"]})
        assert [each.change for each in index.write([first, second])] == [first, second]
        assert client.sizes == [1]


class TestTheMapping:
    @pytest.mark.parametrize(
        ("annotation", "kind"),
        [
            (str | None, "text"),
            (AircraftStatus, "text"),
            (int | None, "long"),
            (bool, "boolean"),
            (Decimal, "double"),
            (datetime, "date"),
            (list[int], "long"),
            (frozenset[str], "text"),
            (tuple[float, ...], "double"),
            (int | str, "text"),
            (dict[str, int], "object"),
            (list[Operator] | None, "object"),
            (Retry, "object"),
            (Any, "object"),
        ],
        ids=str,
    )
    def test_a_field_is_kept_by_its_kind(self, annotation: Any, kind: str) -> None:
        assert kind_of(annotation)["type"] == kind

    def test_an_alias_may_speak_of_itself(self) -> None:
        """As `type Names = list[Names] | str` does, from Python 3.12 on."""
        alias: Any = SimpleNamespace()
        alias.__value__ = list[alias] | str
        assert kind_of(alias)["type"] == "text"

    def test_fields_of_one_name_and_two_kinds_need_two_indexes(self) -> None:
        with pytest.raises(DefinitionError, match="another kind"):
            mapping_of({Aircraft: ["icao24", "status"], Marked: ["status"]})


def test_without_opensearch_py_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opensearchpy", None)
    with pytest.raises(MissingExtraError, match=r'pip install "aircraftops-data\[search\]"'):
        OpenSearchIndex("http://127.0.0.1:9200", "ships", fields=FIELDS)


@pytest.fixture
def index(opensearch_endpoint: str) -> OpenSearchIndex:
    """One whose index is not made yet."""
    return OpenSearchIndex(opensearch_endpoint, f"t{Chance().identifier()}", fields=FIELDS, refresh=True)


@pytest.mark.slow
class TestOpenSearchItself:
    SMALL = {"number_of_shards": 1, "number_of_replicas": 0}

    def test_what_does_not_fit_the_index_is_refused_and_the_rest_is_written(self, index: OpenSearchIndex) -> None:
        mappings = {"properties": {"fields": {"properties": {"registration": {"type": "long"}}}}}
        index._client.indices.create(index=index._index, body={"mappings": mappings})
        good, later = (Aircraft(icao24=fresh_address(), year_built=year) for year in (1990, 1991))
        changes = [*history(SHIP, SHIP), *history(good), *history(later)]
        refused = index.write(changes)
        assert [known.change for known in refused] == changes[:2]
        assert all(isinstance(known.error, RequestRefusedError) for known in refused)
        assert "N628TS" not in str(refused[0].error)
        assert index.count() == 2

    def test_the_index_keeps_versions_of_what_was_deleted_and_can_be_made_twice(self, index: OpenSearchIndex) -> None:
        index.create_index(settings=self.SMALL)
        index.write(history(SHIP))
        wider = OpenSearchIndex(index._client, index._index, fields={Aircraft: ["registration", "operator"]})
        wider.create_index(tombstones=timedelta(days=9))
        assert index.count() == 1
        said = json.loads(json.dumps(index._client.indices.get(index=index._index)))[index._index]
        assert said["settings"]["index"]["gc_deletes"] == f"{9 * 86400}s"
        assert set(said["mappings"]["properties"]["fields"]["properties"]) == {"registration", "year_built", "operator"}

    def test_an_index_that_has_a_field_of_another_kind_is_refused(self, index: OpenSearchIndex) -> None:
        mappings = {"properties": {"fields": {"properties": {"registration": {"type": "long"}}}}}
        index._client.indices.create(index=index._index, body={"mappings": mappings})
        with pytest.raises(RequestRefusedError):
            index.create_index()

    def test_without_its_index_every_call_says_so(self, index: OpenSearchIndex) -> None:
        get = partial(index.get, Aircraft, icao24="a835af")
        for call in (lambda: index.write(history(SHIP)), lambda: index.search("x"), index.count, get):
            with pytest.raises(TableMissingError):
                call()

    def test_while_its_index_is_closed_every_call_says_so_and_no_change_is_at_fault(
        self, index: OpenSearchIndex
    ) -> None:
        index.create_index(settings=self.SMALL)
        index._client.indices.close(index=index._index)
        get = partial(index.get, Aircraft, icao24="a835af")
        for call in (lambda: index.write(history(SHIP)), lambda: index.search("x"), index.count, get):
            with pytest.raises(StoreError, match="index_closed_exception"):
                call()

    def test_none_at_all_is_told(self) -> None:
        index = OpenSearchIndex("http://127.0.0.1:1", "ships", fields=FIELDS, retry=Retry(attempts=2, first_seconds=0))
        with pytest.raises(StoreError, match="cannot be reached"):
            index.write(history(SHIP))

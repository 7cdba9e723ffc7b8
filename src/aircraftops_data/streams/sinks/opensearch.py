"""A search index in OpenSearch (extra `search`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from typing import Any, Literal

from pydantic_core import to_json

from aircraftops_data.clock import Clock, Retry, SystemClock
from aircraftops_data.errors import (
    AccessDeniedError,
    AircraftOpsDataError,
    MissingExtraError,
    RequestRefusedError,
    StoreError,
    TableMissingError,
    ThrottledError,
    TimeoutError,
)
from aircraftops_data.model.entity import Entity
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.sinks.batches import Patience
from aircraftops_data.streams.sinks.documents import Action, Documents, Hit, checked_limit, words_of
from aircraftops_data.streams.sinks.mapping import mapping_of
from aircraftops_data.streams.sinks.sink import Refused, all_refused
from aircraftops_data.streams.sinks.telling import Fields

MOST_ACTIONS = 500
MOST_BYTES = 5 << 20
"""Source: "Bulk" in the OpenSearch documentation, which advises 5 to 15 MiB."""
TOMBSTONES = timedelta(days=2)

# A word that begins with one letter may be any of thousands; OpenSearch's own bound is 50.
_EXPANSIONS = 1000
_PASSED_OVER = 409
_INVALID = 400
_PASSING = (429, 503)
# What an answer says of one document only, as status of a whole one.
_STATUSES = {"index_not_found_exception": 404, "index_closed_exception": _INVALID}

Answer = Mapping[str, Any]
Line = tuple[Action, bytes]


class OpenSearchIndex:
    """Entities found by their words, in OpenSearch: a sink for a stream, and the search over what it has taken.

        index = OpenSearchIndex("https://localhost:9200", "aircraft", fields={Aircraft: ["registration", "operator"]})
        index.create_index()
        router.into(index, Aircraft)

    Instead of a URL it takes a client of opensearch-py, whose affair authentication is. For a domain in AWS (with
    boto3 and opensearchpy imported):

        auth = opensearchpy.Urllib3AWSV4SignerAuth(boto3.Session().get_credentials(), "eu-west-1", "es")
        client = opensearchpy.OpenSearch("https://...es.amazonaws.com", http_auth=auth)

    What it ends with is the state of the table, whatever the order and the number of deliveries: each document is
    written with its age as its external version, and OpenSearch itself refuses an older one, which is passed over. So
    each change counts effectively once, also beside a backfill, and a batch of which nobody knows how far it came is
    written again without harm. Versions of what was deleted OpenSearch keeps for `index.gc_deletes`, one minute unless
    told otherwise: a change that comes later than that brings back what was removed. `create_index` says two days,
    since a stream keeps its records for one. They are in the memory of a node, some 200 bytes each, and a node that
    starts anew has lost them.

    Of a removal without the old image holds what `FullTextIndex` says. `refresh` says whether what was written is
    found when `write` returns: at once (True: costly), as soon as OpenSearch comes to it ("wait_for"), or some time
    later. Raises DefinitionError for `fields` that cannot be indexed, MissingExtraError without opensearch-py. Any
    method may raise StoreError or one of its kinds.
    """

    def __init__(
        self,
        client: Any,
        index: str,
        *,
        fields: Fields,
        refresh: bool | Literal["wait_for"] = False,
        retry: Retry | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._documents = Documents(fields)
        self._mapping = mapping_of(self._documents.fields)
        self._client = _driver().OpenSearch(client) if isinstance(client, str) else client
        self._index = index
        self._refresh = refresh
        self._patience = Patience(retry or Retry(), clock or SystemClock())

    def create_index(self, *, tombstones: timedelta = TOMBSTONES, settings: Mapping[str, Any] | None = None) -> None:
        """Make the index, or add to the mapping of one that is there the fields it lacks; both may be done twice.

        `tombstones` is how long the versions of what was deleted are kept, and is set anew. `settings` are further
        ones of a new index, such as {"number_of_replicas": 2}. Raises RequestRefusedError where a field is there and of
        another kind.
        """
        kept = {"index.gc_deletes": f"{int(tombstones.total_seconds())}s"}
        indices = self._client.indices
        if not self._asked("exists", indices.exists, index=self._index):
            body = {"settings": {**(settings or {}), **kept}, "mappings": self._mapping}
            try:
                self._asked("create", indices.create, index=self._index, body=body)
            except RequestRefusedError as error:
                if error.code != "resource_already_exists_exception":
                    raise
        self._asked("put_mapping", indices.put_mapping, index=self._index, body=self._mapping)
        self._asked("put_settings", indices.put_settings, index=self._index, body=kept)

    def write(self, changes: Sequence[Change[Any]]) -> Sequence[Refused]:
        """Take changes; one that was taken before, or is older than what is there, does nothing.

        Refused is a change whose new image the stream leaves out, whose entity has no age, or that does not fit the
        index. What may pass (429, 503, no answer) is tried again with growing pauses, as often as `retry` says. Raises
        InvalidInputError for a change of an entity that is not indexed, TableMissingError without `create_index`.
        """
        actions, failed = self._documents.actions(changes)
        stopped: set[str] = set()
        if actions:
            self._look_for_index()
        for wave in _waves(actions):
            for bulk in _bulks(self._lines([action for action in wave if action.place not in stopped])):
                for action, error in self._send(bulk):
                    failed[action.number] = error
                    stopped.add(action.place)
        return all_refused(changes, failed)

    def search(self, text: str, *, entity: type[Entity] | None = None, limit: int = 20) -> list[Hit]:
        """Entities with a word that begins as each word of `text` does; best first, at most 10,000.

        Nothing in `text` has a special meaning; case does not count, accents do.
        """
        entities, limit = self._documents.entity_types(entity), checked_limit(limit)
        words = [{"query": word, "max_expansions": _EXPANSIONS} for word in words_of(text)]
        if not words:
            return []
        must = [{"match_phrase_prefix": {"text": word}} for word in words]
        query = {"bool": {"must": must, "filter": [{"terms": {"entity": entities}}]}}
        body = {"query": query, "size": limit, "_source": {"excludes": ["text"]}}
        found = self._asked("search", self._client.search, index=self._index, body=body)["hits"]["hits"]
        return [self._hit(hit["_source"], hit["_score"]) for hit in found]

    def get(self, entity: type[Entity], **identity: Any) -> dict[str, Any] | None:
        """The indexed fields of one entity that have a value; None where it is not there. Sees every write at once."""
        document = self._documents.id_of(entity, identity)
        found = self._asked("mget", self._client.mget, index=self._index, body={"ids": [document]})["docs"][0]
        return found["_source"]["fields"] if found.get("found") else None

    def count(self, entity: type[Entity] | None = None) -> int:
        """How many entities there are, of one kind or of all."""
        query = {"query": {"terms": {"entity": self._documents.entity_types(entity)}}}
        return int(self._asked("count", self._client.count, index=self._index, body=query)["count"])

    def _hit(self, source: Answer, score: float) -> Hit:
        return self._documents.hit(source["entity"], source["identity"], source["fields"], score)

    def _look_for_index(self) -> None:
        """Without it, also when it is deleted later, OpenSearch would make one as it sees fit, with no mapping."""
        if not self._asked("exists", self._client.indices.exists, index=self._index):
            raise TableMissingError(f"There is no index {self._index}: create_index makes it", operation="exists")

    def _lines(self, actions: Sequence[Action]) -> Iterator[Line]:
        """The actions as a bulk request has them. A removal by its keys is of the version that is there."""
        unaged = [action.id for action in actions if action.age is None]
        there = self._versions(unaged) if unaged else {}
        for action in actions:
            version = there.get(action.id) if action.age is None else action.age
            if version is not None:
                yield action, _line(action, version)

    def _versions(self, ids: Sequence[str]) -> dict[str, int]:
        body = {"docs": [{"_id": document, "_source": False} for document in ids]}
        found = self._asked("mget", self._client.mget, index=self._index, body=body)["docs"]
        return {document["_id"]: document["_version"] for document in found if document.get("found")}

    def _send(self, bulk: Sequence[Line]) -> list[tuple[Action, AircraftOpsDataError]]:
        """Those refused. What may pass is tried again; StoreError where it does not."""
        refused: list[tuple[Action, AircraftOpsDataError]] = []
        left = list(bulk)
        for attempt in range(self._patience.retry.attempts):
            passing: list[Line] = []
            error: StoreError | None = None
            for line, item in zip(left, self._bulk(left), strict=True):
                found = _failure("bulk", item["status"], item.get("error", {}).get("type", ""))
                if isinstance(found, RequestRefusedError):
                    refused.append((line[0], found))
                elif found is not None:
                    error = found
                    passing.append(line)
            if error is None:
                return refused
            left = passing
            self._pause(attempt, error)
        raise AssertionError("the last pause raises")

    def _bulk(self, lines: Sequence[Line]) -> list[Answer]:
        """The outcome of each line."""
        body = b"".join(line for _, line in lines)
        answer = self._asked("bulk", self._client.bulk, body=body, refresh=self._refresh, index=self._index)
        return [next(iter(item.values())) for item in answer["items"]]

    def _asked(self, operation: str, method: Any, **given: Any) -> Any:
        """What OpenSearch answers, asked again where the failure may pass."""
        for attempt in range(self._patience.retry.attempts):
            try:
                return _whole(method(**given))
            except _driver().exceptions.OpenSearchException as error:
                found = _told(operation, error)
                if not isinstance(found, StoreError):
                    raise found from error
                self._pause(attempt, found)
        raise AssertionError("the last pause raises")

    def _pause(self, attempt: int, error: StoreError) -> None:
        """Wait before the next try. Raises the error after the last, or where it will not pass."""
        if not error.retryable or attempt + 1 >= self._patience.retry.attempts:
            raise error
        self._patience.wait(attempt + 1)


def _driver() -> Any:
    try:
        return import_module("opensearchpy")
    except ImportError as error:
        message = 'OpenSearch is spoken to by opensearch-py: pip install "aircraftops-data[search]"'
        raise MissingExtraError(message, extra="search") from error


def _line(action: Action, version: int) -> bytes:
    """One action of a bulk request. Not less than what is there: what was removed by its keys has the age it had."""
    head = {"_id": action.id, "version": version, "version_type": "external_gte"}
    if action.document is None:
        return to_json({"delete": head}) + b"\n"
    return to_json({"index": head}) + b"\n" + to_json(action.document) + b"\n"


def _waves(actions: Sequence[Action]) -> list[list[Action]]:
    """The actions so that no two of one item are in one wave: the second must not be taken if the first is not."""
    seen: Counter[str] = Counter()
    waves: list[list[Action]] = []
    for action in actions:
        if seen[action.place] == len(waves):
            waves.append([])
        waves[seen[action.place]].append(action)
        seen[action.place] += 1
    return waves


def _bulks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """The lines in requests of at most so many actions and bytes; a line that is longer goes by itself."""
    bulk: list[Line] = []
    size = 0
    for line in lines:
        if bulk and (len(bulk) == MOST_ACTIONS or size + len(line[1]) > MOST_BYTES):
            yield bulk
            bulk, size = [], 0
        bulk.append(line)
        size += len(line[1])
    if bulk:
        yield bulk


def _whole(answer: Any) -> Any:
    """An answer that speaks for every shard and every document asked for; for less, raises as if there were none."""
    said: Answer = {} if isinstance(answer, bool) else answer
    code = next((document["error"]["type"] for document in said.get("docs", ()) if "error" in document), None)
    if code is None and said.get("_shards", {}).get("failed"):
        code = "shards_failed"
    if code is not None:
        raise _driver().exceptions.TransportError(_STATUSES.get(code, 503), code)
    return answer


def _told(operation: str, error: Exception) -> AircraftOpsDataError:
    """An exception of opensearch-py as one of ours. Its text is left out: it may quote what a document holds."""
    if isinstance(error, _driver().exceptions.ConnectionTimeout):
        return TimeoutError("OpenSearch did not answer in time", operation=operation, retryable=True)
    status, code, *_ = (*error.args, None, None)
    if not isinstance(status, int):
        # There is no connection, or something in between answers in its place.
        return StoreError("OpenSearch cannot be reached", operation=operation, retryable=True)
    return _failure(operation, status, str(code) if str(code).isidentifier() else "") or StoreError(
        "OpenSearch answered oddly", operation=operation
    )


def _failure(operation: str, status: int, code: str) -> RequestRefusedError | StoreError | None:
    """What a status tells; None for success, for the deletion of nothing, and for what is older than what is there."""
    if status < _INVALID or status == _PASSED_OVER or (status == 404 and not code):
        return None
    said = f"OpenSearch refused {operation} with status {status}: {code}"
    if status == _INVALID and code != "index_closed_exception":
        return RequestRefusedError(said, operation=operation, code=code)
    kinds = {401: AccessDeniedError, 403: AccessDeniedError, 404: TableMissingError, 429: ThrottledError}
    retryable = status in _PASSING
    return kinds.get(status, StoreError)(said, operation=operation, code=code, retryable=retryable)

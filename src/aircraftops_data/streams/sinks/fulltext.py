"""A search index in a file, or in memory: SQLite's FTS5, which comes with Python."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from aircraftops_data.clock import Clock, SystemClock
from aircraftops_data.errors import StoreError
from aircraftops_data.model.entity import Entity
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.sinks.documents import Action, Documents, Hit, checked_limit, words_of
from aircraftops_data.streams.sinks.sink import Refused, all_refused
from aircraftops_data.streams.sinks.telling import Fields

BUSY_SECONDS = 30.0

# Accents count, as they do in OpenSearch's standard analyser: what is found here is found there.
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS documents (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, age INTEGER NOT NULL, removed_at REAL,
        entity TEXT, identity TEXT, fields TEXT
    )""",
    "CREATE INDEX IF NOT EXISTS removals ON documents (removed_at) WHERE removed_at IS NOT NULL",
    """CREATE VIRTUAL TABLE IF NOT EXISTS words USING
        fts5(text, tokenize = "unicode61 remove_diacritics 0", prefix = '2 3')""",
)
_FIND = """
    SELECT entity, identity, fields, -bm25(words) AS score
    FROM words JOIN documents ON number = words.rowid
    WHERE words MATCH :words AND entity IN (SELECT value FROM json_each(:entities))
    ORDER BY score DESC, id LIMIT :limit
"""


class FullTextIndex:
    """Entities found by their words: a sink for a stream, and the search over what it has taken.

        index = FullTextIndex("search.db", fields={Aircraft: ["registration", "typecode", "operator"]})
        router.into(index, Aircraft)
        index.search("n628 b73")

    What it ends with is the state of the table, whatever the order and the number of deliveries: each document has the
    age of its last change, and an older change is passed over. Of a removal the age stays until `forget`; a delivery
    later than that brings back what was removed. A batch is one transaction: it is all there, on the disk, or not at
    all.

    A removal without the old image (a stream with the view NEW_IMAGE) cannot tell its age, and removes what is there.
    That ends right as long as changes come in their order, also when whole stretches come again; the last change of
    what was removed, coming alone and late, brings it back.

    Threads may share one, and processes its file, though not over a network. An index of more than a few million
    documents, or searched by many machines, is for OpenSearch: `OpenSearchIndex` is used alike.
    Raises DefinitionError for `fields` that cannot be indexed. Any method may raise StoreError: the file cannot be
    read or written, or others have been writing it for 30 seconds.
    """

    def __init__(self, path: str | Path = ":memory:", *, fields: Fields, clock: Clock | None = None) -> None:
        self._documents = Documents(fields)
        self._clock = clock or SystemClock()
        self._lock = Lock()
        with _said_as_ours():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            self._set_up()
        except BaseException:
            self.close()
            raise

    def _set_up(self) -> None:
        # Of those who make a file at the same moment SQLite lets one do it, and tells others at once that it is locked.
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA journal_mode = WAL")
        with self._transaction() as connection:
            for statement in _SCHEMA:
                connection.execute(statement)

    def write(self, changes: Sequence[Change[Any]]) -> Sequence[Refused]:
        """Take changes, all in one transaction; one taken before, or older than what is there, does nothing.

        Refused is a change whose new image the stream leaves out, or whose entity has no age. Raises InvalidInputError
        for a change of an entity that is not indexed.
        """
        actions, failed = self._documents.actions(changes)
        with self._transaction() as connection:
            for action in actions:
                self._take(connection, action)
        return all_refused(changes, failed)

    def search(self, text: str, *, entity: type[Entity] | None = None, limit: int = 20) -> list[Hit]:
        """Entities with a word that begins as each word of `text` does; best first, at most 10,000.

        Nothing in `text` has a special meaning; case does not count, accents do.
        """
        entities, limit = self._documents.entity_types(entity), checked_limit(limit)
        words = " ".join(f'"{word.replace(chr(34), chr(34) * 2)}"*' for word in words_of(text))
        if not words:
            return []
        with self._transaction("BEGIN") as connection:
            given = {"words": words, "entities": json.dumps(entities), "limit": limit}
            found = connection.execute(_FIND, given).fetchall()
        return [self._documents.hit(kind, json.loads(who), json.loads(what), score) for kind, who, what, score in found]

    def get(self, entity: type[Entity], **identity: Any) -> dict[str, Any] | None:
        """The indexed fields of one entity that have a value; None where it is not there."""
        document = self._documents.id_of(entity, identity)
        with self._transaction("BEGIN") as connection:
            found = connection.execute("SELECT fields FROM documents WHERE id = ?", (document,)).fetchone()
        return json.loads(found[0]) if found and found[0] else None

    def count(self, entity: type[Entity] | None = None) -> int:
        """How many entities there are, of one kind or of all."""
        entities = json.dumps(self._documents.entity_types(entity))
        query = "SELECT count(*) FROM documents WHERE entity IN (SELECT value FROM json_each(?))"
        with self._transaction("BEGIN") as connection:
            return int(connection.execute(query, (entities,)).fetchone()[0])

    def forget(self, before: datetime) -> int:
        """Drop what is left of the removals that were taken before an instant, and say how many.

        A day is the least to keep them, for so long a stream keeps its records; more where records are parked longer.
        """
        with self._transaction() as connection:
            dropped = connection.execute("DELETE FROM documents WHERE removed_at < ?", (before.timestamp(),))
            return dropped.rowcount

    def close(self) -> None:
        """Close the file; what was in memory is gone."""
        with self._lock:
            self._connection.close()

    def _take(self, connection: sqlite3.Connection, action: Action) -> None:
        known = "SELECT number, age FROM documents WHERE id = ?"
        number, there = connection.execute(known, (action.id,)).fetchone() or (None, -1)
        age = there if action.age is None else action.age
        if age < max(there, 0):
            return
        connection.execute("DELETE FROM words WHERE rowid = ?", (number,))
        self._put(connection, number, age, action)

    def _put(self, connection: sqlite3.Connection, number: int | None, age: int, action: Action) -> None:
        document = action.document
        kept: tuple[Any, ...]
        if document is None:
            kept = (self._clock.now().timestamp(), None, None, None)
        else:
            kept = (None, document.entity, _json(document.identity), _json(document.fields))
        put = "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)"
        number = connection.execute(put, (number, action.id, age, *kept)).lastrowid
        if document is not None:
            text = "\n".join(document.text)
            connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, text))

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Generator[sqlite3.Connection]:
        """Everything or nothing; to write is said at the start, for a reader cannot always become a writer later."""
        with self._lock, _said_as_ours(), self._connection as connection:
            connection.execute(begin)
            yield connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def _said_as_ours() -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorname", "")
        raise StoreError(f"The search index cannot be used: {error}", code=code) from error


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

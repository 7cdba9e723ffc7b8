"""Cursors: opaque text that only the very query it came from takes back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data import GSI1, GSI2, Index, PrimaryKey, Table
from aircraftops_data.core.context import TableNames
from aircraftops_data.core.cursor import Cursors
from aircraftops_data.core.reading import Reading, Source, source_of
from aircraftops_data.errors import InvalidCursorError
from playing import context
from strategies import names, numbers, texts
from throwaway import declare

KEY = {"PK": {"S": "AIRCRAFT#1"}, "SK": {"S": "IMAGE#\U0001f6e9"}}
SCOPE = "the scope"
SIGNED = Cursors(b"hush")
UNSIGNED = Cursors()
both = pytest.mark.parametrize("cursors", [SIGNED, UNSIGNED], ids=["signed", "unsigned"])

key_values = (
    st.fixed_dictionaries({"S": texts()})
    | st.fixed_dictionaries({"N": numbers().map(str)})
    | st.fixed_dictionaries({"B": st.binary(max_size=9)})
)


def written(cursors: Cursors = SIGNED, key: Any = KEY, scope: str = SCOPE) -> str:
    """A cursor."""
    cursor = cursors.write(key, scope)
    assert cursor is not None
    return cursor


@both
@given(key=st.dictionaries(names(), key_values, max_size=4), scope=texts(40))
def test_a_cursor_is_read_back_as_its_key(cursors: Cursors, key: dict[str, Any], scope: str) -> None:
    cursor = written(cursors, key, scope)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    assert cursors.read(cursor, scope) == key


def test_where_nothing_follows_there_is_no_cursor() -> None:
    assert SIGNED.write(None, SCOPE) is None
    assert SIGNED.read(None, SCOPE) is None


def test_the_same_place_has_the_same_cursor() -> None:
    backwards = dict(reversed(KEY.items()))
    assert written() == written(Cursors(b"hush"), backwards)


@both
def test_a_cursor_with_any_bit_flipped_is_refused(cursors: Cursors) -> None:
    raw = base64.urlsafe_b64decode(written(cursors) + "==")
    for bit in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InvalidCursorError):
            cursors.read(base64.urlsafe_b64encode(flipped).rstrip(b"=").decode(), SCOPE)


@both
def test_a_cursor_with_any_character_changed_is_refused(cursors: Cursors) -> None:
    cursor = written(cursors)
    for place in range(len(cursor)):
        for character in "AZaz09-_+/= \n\u0661":
            if cursor[place] != character:
                with pytest.raises(InvalidCursorError):
                    cursors.read(cursor[:place] + character + cursor[place + 1 :], SCOPE)


@both
def test_a_cursor_cut_short_or_added_to_is_refused(cursors: Cursors) -> None:
    cursor = written(cursors)
    for end in range(len(cursor)):
        with pytest.raises(InvalidCursorError):
            cursors.read(cursor[:end], SCOPE)
    for more in ("A", "=", "==", "\n", " ", cursor):
        with pytest.raises(InvalidCursorError):
            cursors.read(cursor + more, SCOPE)
        with pytest.raises(InvalidCursorError):
            cursors.read(more + cursor, SCOPE)


@both
@given(texts(80) | st.binary(max_size=80).map(lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode()))
def test_any_other_text_is_refused(cursors: Cursors, text: str) -> None:
    with pytest.raises(InvalidCursorError):
        cursors.read(text, SCOPE)


@pytest.mark.parametrize("cursor", [b"bytes", 5, 1.5, True, [], {}, object()], ids=lambda cursor: type(cursor).__name__)
def test_a_cursor_is_text(cursor: Any) -> None:
    with pytest.raises(InvalidCursorError):
        SIGNED.read(cursor, SCOPE)


def test_a_cursor_of_another_secret_is_refused() -> None:
    for one, other in ((SIGNED, Cursors(b"hush!")), (SIGNED, UNSIGNED), (UNSIGNED, SIGNED)):
        with pytest.raises(InvalidCursorError):
            other.read(written(one), SCOPE)


def test_a_cursor_cannot_be_made_up_without_the_secret() -> None:
    payload = json.dumps({"PK": {"S": "OTHER"}}).encode()
    for secret in (b"", b"guess"):
        mac = hmac.new(secret, SCOPE.encode() + payload, hashlib.sha256).digest()[:16]
        forged = base64.urlsafe_b64encode(mac + payload).rstrip(b"=").decode()
        with pytest.raises(InvalidCursorError):
            SIGNED.read(forged, SCOPE)
    with pytest.raises(InvalidCursorError):
        SIGNED.read(written(UNSIGNED, {"PK": {"S": "OTHER"}}), SCOPE)


def test_the_secret_is_never_shown() -> None:
    assert "hush" not in repr(SIGNED)


def test_what_is_wrong_is_told_without_the_cursor() -> None:
    with pytest.raises(InvalidCursorError) as caught:
        SIGNED.read("Amelia Earhart", SCOPE)
    assert "Amelia" not in str(caught.value)


# What a cursor is bound to


SHELF = Table("Shelf", indexes=(GSI1, GSI2))
Book: Any = declare(
    SHELF,
    {"shelf": str, "code": str},
    PrimaryKey("SHELF#{shelf}", "BOOK#{code}"),
    by_code=Index(GSI1, "CODE#{code}", "SHELF#{shelf}"),
    by_shelf=Index(GSI2, "CODE#{code}", "SHELF#{shelf}"),
)
OTHER: Any = declare(Table("Other"), {"shelf": str, "code": str}, PrimaryKey("SHELF#{shelf}", "BOOK#{code}"))
QUERIES = [
    Book.primary(shelf="a"),
    Book.primary(shelf="b"),
    Book.primary(shelf="a", code="x"),
    Book.primary(shelf="a").at_least(code="x"),
    Book.primary(shelf="a").at_most(code="x"),
    Book.primary(shelf="a").between(code=("x", "y")),
    Book.primary(shelf="a").starts_with(code="x"),
    Book.by_code(code="x"),
    Book.by_shelf(code="x"),
    OTHER.primary(shelf="a"),
]


def test_a_cursor_is_taken_by_the_query_it_came_from_alone() -> None:
    readings = [Reading(source_of(query), dict) for query in QUERIES]
    readings += [replace(readings[0], newest_first=True), Reading(Source(SHELF), dict)]
    scopes = [reading.scope(context()) for reading in readings]
    scopes += [readings[0].scope(replace(context(), names=TableNames("test-")))]
    assert len(set(scopes)) == len(scopes)
    for one in scopes:
        cursor = written(scope=one)
        assert SIGNED.read(cursor, one) == KEY
        for other in set(scopes) - {one}:
            with pytest.raises(InvalidCursorError, match="another query"):
                SIGNED.read(cursor, other)


def test_a_cursor_does_not_depend_on_the_process() -> None:
    scope = Reading(source_of(Book.primary(shelf="a")), dict).scope(context())
    assert scope == Reading(source_of(Book.primary(shelf="a")), dict).scope(context(seed=8))
    assert "0x" not in scope


def test_a_page_goes_on_behind_the_key_of_its_last_item() -> None:
    item = {"PK": {"S": "a"}, "SK": {"S": "b"}, "GSI1PK": {"S": "c"}, "GSI1SK": {"S": "d"}, "name": {"S": "e"}}
    assert source_of(Book.primary(shelf="a")).cursor_key(item) == {"PK": {"S": "a"}, "SK": {"S": "b"}}
    assert set(source_of(Book.by_code(code="x")).cursor_key(item)) == {"PK", "SK", "GSI1PK", "GSI1SK"}


def test_numbers_and_bytes_in_keys_are_kept() -> None:
    key = {"id": {"B": b"\x00\xff"}, "at": {"N": "1.50"}}
    assert SIGNED.read(written(key=key), SCOPE) == key

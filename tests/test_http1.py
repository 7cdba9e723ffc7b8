"""HTTP responses read from bytes, in whatever pieces they come; what is not HTTP/1.1 is no answer."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data.transports.http1 import BODY_LIMIT_BYTES, HEAD_LIMIT_BYTES, Answer, NoAnswer, ResponseParser

OK = b"HTTP/1.1 200 OK\r\n"


def read(*pieces: bytes) -> Answer | None:
    """The answer these pieces make, None while it is not whole."""
    parser = ResponseParser()
    answer = None
    for piece in pieces:
        assert answer is None
        answer = parser.feed(piece)
    return answer


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges) if begin < end]


@st.composite
def responses(draw: st.DrawFn) -> tuple[bytes, int, bytes]:
    """A response as bytes, with its status and body."""
    status = draw(st.sampled_from([200, 400, 500, 302]))
    body = draw(st.binary(max_size=200))
    interim = draw(
        st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"])
    )
    head = b"HTTP/1.1 %d Reason Phrase\r\nDate: now\r\nX-Empty:\r\n" % status
    if draw(st.booleans()):
        return interim + head + b"Content-Length: %d\r\n\r\n" % len(body) + body, status, body
    parts = cut(body, draw(st.lists(st.integers(0, 200), max_size=4)))
    chunks = b"".join(b"%x;name=value\r\n%b\r\n" % (len(part), part) for part in parts)
    end = draw(st.sampled_from([b"0\r\n\r\n", b"000\r\nX-Trailer: 1\r\n\r\n"]))
    return interim + head + b"transfer-encoding: Chunked\r\n\r\n" + chunks + end, status, body


@given(response=responses(), places=st.lists(st.integers(0, 500), max_size=8))
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(
    response: tuple[bytes, int, bytes], places: list[int]
) -> None:
    data, status, body = response
    answer = read(*cut(data, places))
    assert answer is not None
    assert (answer.status, answer.body, answer.reusable) == (status, body, True)
    assert answer.headers[b"date"] == b"now"
    assert answer.headers[b"x-empty"] == b""


@given(response=responses(), place=st.integers(0, 500))
def test_an_answer_that_is_cut_short_is_none(response: tuple[bytes, int, bytes], place: int) -> None:
    data = response[0]
    kept = place % len(data)
    parser = ResponseParser()
    assert not kept or parser.feed(data[:kept]) is None
    with pytest.raises(NoAnswer) as caught:
        parser.end()
    assert caught.value.unheard == (kept == 0)


def test_a_connection_that_says_close_is_not_used_again() -> None:
    answer = read(OK + b"Connection: Close\r\nContent-Length: 2\r\n\r\nhi")
    assert answer is not None
    assert not answer.reusable
    old = read(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    assert old is not None
    assert not old.reusable


def test_bytes_after_an_answer_leave_nothing_to_trust_the_connection_with() -> None:
    one = OK + b"Content-Length: 2\r\n\r\nhi"
    answer = read(one + one)
    assert answer is not None
    assert (answer.body, answer.reusable) == (b"hi", False)
    chunked = read(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nH")
    assert chunked is not None
    assert (chunked.body, chunked.reusable) == (b"hi", False)


def test_without_a_length_the_end_of_the_connection_ends_the_answer() -> None:
    parser = ResponseParser()
    assert parser.feed(OK + b"\r\nhel") is None
    assert parser.feed(b"lo") is None
    assert parser.end() == Answer(200, {}, b"hello", reusable=False)


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_some_answers_have_no_body_whatever_they_say(status: bytes) -> None:
    answer = read(b"HTTP/1.1 " + status + b"\r\n\r\n")
    assert answer is not None
    assert answer.body == b""


MALFORMED: dict[str, bytes] = {
    "garbage": b"\x15\x03\x01\x00\x02\x02\x50\r\n\r\n",
    "another protocol": b"ICY 200 OK\r\n\r\n",
    "another version": b"HTTP/2.0 200 OK\r\n\r\n",
    "an old version": b"HTTP/0.9 200 OK\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a status that is a word": b"HTTP/1.1 OK\r\n\r\n",
    "a blank line first": b"\r\nHTTP/1.1 200 OK\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "no colon": OK + b"Date now\r\n\r\n",
    "no name": OK + b": now\r\n\r\n",
    "a space before the colon": OK + b"Content-Length : 2\r\n\r\nhi",
    "a folded line": OK + b"Date: now\r\n then\r\n\r\n",
    "a bare line feed": OK + b"A: b\nContent-Length: 2\r\n\r\nhi",
    "a bare carriage return": OK + b"A: b\rc\r\n\r\n",
    "a NUL": OK + b"A: b\0c\r\n\r\n",
    "a length that is not a number": OK + b"Content-Length: two\r\n\r\n",
    "a length below zero": OK + b"Content-Length: -2\r\n\r\n",
    "a length with a sign": OK + b"Content-Length: +2\r\n\r\nhi",
    "no length after the name": OK + b"Content-Length:\r\n\r\n",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
    "two lengths in one": OK + b"Content-Length: 2, 3\r\n\r\nhi",
    "length and chunks": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi",
    "another coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\nhi",
    "a huge length": OK + b"Content-Length: %d\r\n\r\n" % (BODY_LIMIT_BYTES + 1),
    "a length of many digits": OK + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n",
    "a chunk size that is no number": OK + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n",
    "a chunk size below zero": OK + b"Transfer-Encoding: chunked\r\n\r\n-2\r\nhi\r\n",
    "no chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\n\r\nhi\r\n",
    "a chunk longer than it says": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhix\r\n",
    "a huge chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    "an endless chunk line": OK + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"x" * 2_000,
    "an endless head": OK + b"A: " + b"x" * HEAD_LIMIT_BYTES,
    "an endless line": b"H" * (HEAD_LIMIT_BYTES + 1),
    "endless interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * (HEAD_LIMIT_BYTES // 20),
    "endless trailers": OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * HEAD_LIMIT_BYTES,
}


@pytest.mark.parametrize("name", list(MALFORMED))
def test_what_is_not_http_is_no_answer(name: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        read(MALFORMED[name])
    assert caught.value.code == "ResponseParserError"
    assert not caught.value.unheard


def test_a_body_without_a_length_has_a_limit_too() -> None:
    parser = ResponseParser()
    parser.feed(OK + b"\r\n")
    with pytest.raises(NoAnswer, match="longer than"):
        for _ in range(BODY_LIMIT_BYTES // 4_194_304 + 1):
            parser.feed(b"x" * 4_194_304)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=3))
def test_no_bytes_raise_anything_else(data: bytes, places: list[int]) -> None:
    for beginning in (b"", OK, OK + b"Transfer-Encoding: chunked\r\n\r\n", OK + b"Content-Length: 3\r\n"):
        parser, answer = ResponseParser(), None
        with suppress(NoAnswer):
            for piece in cut(beginning + data, places):
                answer = answer or parser.feed(piece)
            answer = answer or parser.end()
        assert answer is None or 200 <= answer.status <= 999

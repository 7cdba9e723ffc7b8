"""Responses of HTTP/1.1 read from bytes as they come, strictly and without any I/O.

Source: RFC 9112 (HTTP/1.1), sections 4 to 7 and 9.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD_LIMIT_BYTES = 65_536
# DynamoDB's largest response is 16 MB (BatchGetItem); base64 and JSON add to it.
BODY_LIMIT_BYTES = 67_108_864

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?(?=\r\n|$)")
_FIELD = re.compile(rb"\r\n([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n]*)")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")
_FRAMING = (b"content-length", b"transfer-encoding")


class NoAnswer(Exception):
    """No whole answer came. `code` is the name botocore has for it.

    `unheard`: the connection ended before a byte of the answer, as it does when the server closed it while it was idle.
    """

    def __init__(self, code: str, reason: str, *, unheard: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.unheard = unheard


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response; header names are in lower case. `reusable`: another request may follow it."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    reusable: bool


@dataclass(slots=True)
class _Head:
    status: int
    headers: dict[bytes, bytes]
    keep_alive: bool
    length: int | None
    chunked: bool


class ResponseParser:
    """Takes the bytes of one response. Raises NoAnswer for what is not one, or is more than the limits."""

    __slots__ = ("_body", "_buffer", "_head", "_head_bytes", "_position")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None
        self._head_bytes = 0
        self._body = bytearray()
        self._position = 0

    def feed(self, data: bytes) -> Answer | None:
        """The answer once it is whole."""
        self._buffer += data
        while self._head is None or self._head.status < 200:
            if not self._take_head():
                return None
        if self._head.chunked:
            return self._chunks(self._head)
        length = self._head.length
        if length is None:
            _within(len(self._buffer), BODY_LIMIT_BYTES, "body")
            return None
        return self._answer(self._head, self._buffer, length) if len(self._buffer) >= length else None

    def end(self) -> Answer:
        """The answer that the end of the connection makes whole. Raises NoAnswer where it cuts one short."""
        head = self._head
        if head is None:
            unheard = not self._buffer
            raise NoAnswer("ConnectionClosedError", "The connection was closed before an answer", unheard=unheard)
        if head.status < 200 or head.chunked or head.length is not None:
            raise NoAnswer("IncompleteReadError", "The connection was closed within an answer")
        return self._answer(head, self._buffer, len(self._buffer))

    def _answer(self, head: _Head, source: bytearray, end: int) -> Answer:
        """More bytes than one response has leave nothing to trust the connection with."""
        reusable = head.keep_alive and len(source) == end
        return Answer(head.status, head.headers, bytes(memoryview(source)[:end]), reusable)

    def _take_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        _within(self._head_bytes + (len(self._buffer) if end < 0 else end), HEAD_LIMIT_BYTES, "head")
        if end < 0:
            return False
        self._head = _head(bytes(memoryview(self._buffer)[:end]))
        self._head_bytes += end + 4
        del self._buffer[: end + 4]
        return True

    def _chunks(self, head: _Head) -> Answer | None:
        while (chunk := self._chunk()) is not None:
            if not chunk:
                return self._chunked_answer(head)
            _within(len(self._body) + chunk, BODY_LIMIT_BYTES, "body")
            begin = self._buffer.index(b"\r\n", self._position) + 2
            if len(self._buffer) < begin + chunk + 2:
                return None
            if not self._buffer.startswith(b"\r\n", begin + chunk):
                raise _malformed("chunk")
            self._body += memoryview(self._buffer)[begin : begin + chunk]
            self._position = begin + chunk + 2
        return None

    def _chunk(self) -> int | None:
        """The size of the chunk at hand, once its line is there."""
        end = self._buffer.find(b"\r\n", self._position)
        _within((len(self._buffer) if end < 0 else end) - self._position, 1_024, "chunk's line")
        if end < 0:
            return None
        found = _CHUNK_SIZE.fullmatch(self._buffer, self._position, end)
        if found is None:
            raise _malformed("chunk")
        return int(found[1], 16)

    def _chunked_answer(self, head: _Head) -> Answer | None:
        """The answer once its trailers, which say nothing that is needed, have come too."""
        end = self._buffer.find(b"\r\n\r\n", self._position)
        _within(len(self._buffer) - self._position, HEAD_LIMIT_BYTES, "trailer")
        if end < 0:
            return None
        reusable = head.keep_alive and len(self._buffer) == end + 4
        return Answer(head.status, head.headers, bytes(self._body), reusable)


def _head(head: bytes) -> _Head:
    line = _STATUS_LINE.match(head)
    fields = _FIELD.findall(head)
    # Every line break belongs to one field: no folded line, no bare CR or LF, no nameless field.
    if line is None or b"\0" in head or not len(fields) == head.count(b"\n") == head.count(b"\r"):
        raise _malformed("head")
    headers: dict[bytes, bytes] = {}
    for name, value in fields:
        lower = name.lower()
        if lower in _FRAMING and lower in headers:
            raise _malformed("framing")
        headers[lower] = value.rstrip(b" \t")
    return _framed(int(line[2]), headers, line[1] == b"1")


def _framed(status: int, headers: dict[bytes, bytes], keeps: bool) -> _Head:
    if status == 101:
        raise _malformed("switch of protocols")
    length, coding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
    if (coding is not None and (coding.lower() != b"chunked" or length is not None)) or (
        length is not None and not (length.isdigit() and len(length) < 20)
    ):
        raise _malformed("framing")
    size = 0 if status in (204, 304) else None if length is None else int(length)
    _within(size or 0, BODY_LIMIT_BYTES, "body")
    chunked = coding is not None and size is None
    ends = size is None and not chunked
    keep_alive = keeps and not ends and b"close" not in headers.get(b"connection", b"").lower()
    return _Head(status, headers, keep_alive, size, chunked)


def _within(size_bytes: int, limit_bytes: int, what: str) -> None:
    if size_bytes > limit_bytes:
        raise NoAnswer("ResponseParserError", f"The {what} of the answer is longer than {limit_bytes} bytes")


def _malformed(what: str) -> NoAnswer:
    return NoAnswer("ResponseParserError", f"The answer is not HTTP/1.1: malformed {what}")

"""What an HTTP answer means: the response, or the library's error. Never a guess.

Source: DynamoDB Developer Guide, "Error handling with DynamoDB" and "DynamoDB low-level API" (X-Amz-Crc32).
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from aircraftops_data.request import Request, Response
from aircraftops_data.transports.failures import ErrorResponse, translated, unanswered
from aircraftops_data.transports.http1 import Answer, NoAnswer
from aircraftops_data.wire import checksum, parsed, response_of


def response_in(request: Request, outcome: Answer | NoAnswer) -> Response:
    """The response to a request. Raises the library's error for a refusal, and where no whole answer came."""
    try:
        return _response(request, outcome)
    except NoAnswer as lost:
        raise unanswered(request.operation, lost.code, str(lost)) from lost


def _response(request: Request, outcome: Answer | NoAnswer) -> Response:
    if isinstance(outcome, NoAnswer):
        raise outcome
    _check(outcome)
    if not 200 <= outcome.status < 300:
        refusal = ErrorResponse(_error_response(outcome))
        raise translated(request.operation, refusal) from refusal
    try:
        return response_of(request, outcome.body)
    except ValueError as error:
        raise NoAnswer("ResponseParserError", "The body of the answer is not the JSON of a response") from error


def _check(answer: Answer) -> None:
    expected = answer.headers.get(b"x-amz-crc32")
    if expected is not None and expected != checksum(answer.body):
        raise NoAnswer("ChecksumError", "The body of the answer is not the one whose checksum came with it")


def _error_response(answer: Answer) -> Response:
    """An error document in the shape botocore gives it; whatever is unreadable goes by its status alone."""
    try:
        document = parsed(answer.body)
    except ValueError:
        document = {}
    named = document.get("__type") or answer.headers.get(b"x-amzn-errortype", b"").decode("latin-1")
    message = document.get("message") or document.get("Message") or _words(answer.status)
    known: dict[str, Any] = {name: document[name] for name in ("Item", "CancellationReasons") if document.get(name)}
    error = {"Code": _code(str(named)) or str(answer.status), "Message": str(message)}
    return {"Error": error, "ResponseMetadata": {"HTTPStatusCode": answer.status}, **known}


def _code(named: str) -> str:
    """`com.amazonaws.dynamodb.v20120810#Code:http://...` without what is around the code."""
    return named.partition(":")[0].rpartition("#")[2].strip()


def _words(status: int) -> str:
    return "a redirect, which is never followed" if 300 <= status < 400 else "an answer that says no more"


def date_of(outcome: Answer | NoAnswer) -> datetime | None:
    """The instant the server answered, by its own clock."""
    if isinstance(outcome, NoAnswer):
        return None
    try:
        return parsedate_to_datetime(outcome.headers.get(b"date", b"").decode("latin-1")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None

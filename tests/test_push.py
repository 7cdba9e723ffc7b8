"""Jobs told of by messages: what a message says, when it is done with, and both ways they come: Lambda and a poller."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from aircraftops_data import CoreTable
from aircraftops_data.errors import InvalidMessageError, StoreError, ThrottledError
from aircraftops_data.jobs import Job, JobState, SqsQueue
from aircraftops_data.jobs.push import HIDDEN_MOST, Message, job_id_of, message_of, records_of, visible_in
from aircraftops_data.model.schema import JOBS
from aircraftops_data.testing import ManualClock
from faults import throttled
from workplace import Workplace

NOW = datetime(2026, 11, 21, tzinfo=UTC)
HOUR, MARGIN, LEAST = timedelta(hours=1), timedelta(seconds=5), timedelta(seconds=2)
moto = pytest.mark.parametrize("engine", ["moto"], indirect=True)


def job(state: JobState = JobState.AVAILABLE, **fields: Any) -> Job:
    """A job of no table."""
    return Job(id="a", kind="k", state=state, **fields)


# What a message says


def test_a_message_names_its_job_and_says_nothing_else() -> None:
    assert json.loads(message_of(job())) == {"job_id": "a"}
    assert job_id_of(message_of(job())) == "a"


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"job_id": 1}', '{"job_id": ""}', None, '"a"', "NaN"])
def test_a_message_that_names_no_job_is_refused(body: Any) -> None:
    with pytest.raises(InvalidMessageError):
        job_id_of(body)


@pytest.mark.parametrize("event", [{}, {"Records": None}, {"Records": [{"messageId": "1"}]}], ids=str)
def test_an_event_of_another_kind_is_refused(event: Any) -> None:
    with pytest.raises(InvalidMessageError):
        records_of(event)


# When it is done with


@pytest.mark.parametrize("gone", [None, job(JobState.SUCCEEDED), job(JobState.DEAD)], ids=["none", "succeeded", "dead"])
def test_a_message_of_a_job_that_has_ended_or_is_gone_is_done_with(gone: Job | None) -> None:
    assert visible_in(gone, NOW, MARGIN, LEAST) is None


@pytest.mark.parametrize(
    ("waiting", "delay"),
    [
        (job(JobState.SCHEDULED, due_at=NOW + HOUR), HOUR),
        (job(JobState.AVAILABLE, due_at=NOW - HOUR), LEAST),
        (job(JobState.RUNNING, due_at=NOW, lease_until=NOW + HOUR), HOUR + MARGIN),
        (job(JobState.RUNNING, due_at=NOW - HOUR, lease_until=NOW - HOUR), LEAST),
    ],
    ids=["later", "due", "held", "lost"],
)
def test_a_message_of_a_live_job_is_shown_again_when_it_is_due(waiting: Job, delay: timedelta) -> None:
    assert visible_in(waiting, NOW, MARGIN, LEAST) == delay


class Calls:
    """An SQS client that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def change_message_visibility(self, **given: Any) -> dict[str, Any]:
        self.asked.append(given)
        return {}


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [(timedelta(seconds=1.2), 2), (timedelta(days=3), (HIDDEN_MOST - HOUR).total_seconds() - 60)],
    ids=["whole seconds", "at most"],
)
def test_no_message_is_hidden_for_longer_than_sqs_allows_from_when_it_was_received(
    delay: timedelta, seconds: float
) -> None:
    client = Calls()
    SqsQueue(client, "url").put_by(Message("", "receipt", NOW - HOUR), delay, NOW)
    assert client.asked == [{"QueueUrl": "url", "ReceiptHandle": "receipt", "VisibilityTimeout": seconds}]


# The two ways


@pytest.fixture(params=["threads", "tasks"])
def place(connect: Any, clock: ManualClock, request: pytest.FixtureRequest) -> Workplace:
    core: CoreTable = connect(JOBS, clock=clock)
    return Workplace(core, clock, request.param)


def event_of(*bodies: str) -> dict[str, Any]:
    """An SQS event of Lambda."""
    return {"Records": [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]}


def handled(place: Workplace, worker: Any, *bodies: str) -> list[str]:
    """The ids of the messages that are not done with."""
    answer = place.finish(worker.handle(event_of(*bodies)))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@moto
def test_an_event_is_answered_with_the_messages_that_are_not_done_with(place: Workplace) -> None:
    done, later, failing = (
        place.jobs.enqueue("k", "done"),
        place.jobs.enqueue("k", run_at=HOUR),
        place.jobs.enqueue("k", "failing"),
    )
    held = place.jobs.enqueue("k", queue="other")
    place.jobs.claim("other", worker="another")
    gone = job().model_copy(update={"id": "gone"})

    def handler(claim: Any) -> str:
        if claim.payload == "failing":
            raise ValueError("no")
        return "result"

    worker = place.working(handler)
    bodies = [message_of(each) for each in (done, later, failing, held, gone)]
    assert handled(place, worker, *bodies, "{") == ["1", "2", "3", "5"]
    assert place.jobs.result(place.jobs.get(done.id)) == "result"
    assert place.jobs.get(failing.id).state is JobState.RETRYABLE
    assert place.hooks.names == ["succeeded", "failed", "poll_failed"]
    # The message comes a second time.
    assert handled(place, worker, bodies[0]) == []


@moto
def test_a_message_that_the_engine_failed_for_is_not_done_with(place: Workplace) -> None:
    asked = place.jobs.enqueue("k")
    place.transport.plan("GetItem", throttled)
    worker = place.working(lambda claim: None)
    assert handled(place, worker, message_of(asked)) == ["0"]
    ((name, error),) = place.hooks.told
    assert (name, type(error)) == ("poll_failed", ThrottledError)
    assert handled(place, worker, message_of(asked)) == []


@moto
def test_a_handler_that_ends_the_process_leaves_the_rest_of_an_event(place: Workplace) -> None:
    jobs = [place.jobs.enqueue("k") for _ in range(2)]

    def handler(claim: Any) -> None:
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        handled(place, place.working(handler), *map(message_of, jobs))
    assert {place.jobs.get(each.id).state for each in jobs} == {JobState.AVAILABLE}
    assert place.hooks.names == ["released"]


@pytest.fixture
def queue(session: boto3.Session, client: Any) -> SqsQueue:
    """A queue of moto's."""
    sqs: Any = session.client("sqs")
    url = sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    return SqsQueue(sqs, url, wait=timedelta())


def counts(queue: SqsQueue) -> tuple[int, int]:
    """How many messages are there to be seen, and how many are hidden."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = queue.client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]])


def send(queue: SqsQueue, *bodies: str) -> None:
    """Put messages into the queue."""
    for body in bodies:
        queue.client.send_message(QueueUrl=queue.url, MessageBody=body)


@moto
def test_a_worker_runs_the_jobs_that_messages_tell_of(place: Workplace, queue: SqsQueue) -> None:
    jobs = [place.jobs.enqueue("k") for _ in range(3)]
    send(queue, *map(message_of, jobs))
    place.run(place.working(lambda claim: None, queues=[], messages=queue, concurrency=2))
    assert {place.jobs.get(each.id).state for each in jobs} == {JobState.SUCCEEDED}
    assert counts(queue) == (0, 0)


@moto
def test_messages_of_jobs_that_cannot_run_now_are_hidden_or_deleted(place: Workplace, queue: SqsQueue) -> None:
    later, failing = place.jobs.enqueue("k", run_at=HOUR), place.jobs.enqueue("k")
    gone = job().model_copy(update={"id": "gone"})
    send(queue, message_of(later), message_of(gone), "no message", message_of(failing))
    hidden: list[int] = []
    change = queue.client.change_message_visibility

    def kept(**given: Any) -> Any:
        hidden.append(given["VisibilityTimeout"])
        return change(**given)

    queue.client.change_message_visibility = kept
    place.run(place.working(lambda claim: claim.fail(ValueError(), HOUR / 2), messages=queue))
    # That which says nothing stays for the queue's own rules.
    assert counts(queue) == (0, 3)
    assert sorted(hidden) == [1800, 3600]
    assert sorted(place.hooks.names) == ["failed", "poll_failed"]


@moto
def test_a_queue_that_cannot_be_read_is_told_to_the_hooks_and_asked_again(place: Workplace, queue: SqsQueue) -> None:
    asked = place.jobs.enqueue("k")
    send(queue, message_of(asked))
    receive, failures = queue.client.receive_message, [1, 2]

    def failing(**given: Any) -> Any:
        if failures and failures.pop():
            return queue.client.get_queue_url(QueueName="not there")
        return receive(**given)

    queue.client.receive_message = failing
    place.run(place.working(lambda claim: None, messages=queue))
    assert place.jobs.get(asked.id).state is JobState.SUCCEEDED
    errors = [told[1] for told in place.hooks.told if told[0] == "poll_failed"]
    assert [(type(error), error.code != "") for error in errors] == [(StoreError, True)] * 2

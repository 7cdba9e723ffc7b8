"""SQS in one call: ElasticMQ, by the first way that works on this machine."""

from functools import partial

from aircraftops_data.testing.engine import LocalEngine, Running
from aircraftops_data.testing.java import JavaServer
from aircraftops_data.testing.processes import answer
from aircraftops_data.testing.ways import first_that_works, pinned_release, running_endpoint


def _is_elasticmq(url: str) -> bool:
    return b"MissingAction" in (answer(url) or b"")


SERVER = JavaServer(
    name="ElasticMQ",
    coordinates="org.elasticmq:elasticmq-server_2.13:1.7.1",
    pins="elasticmq.sha256",
    main_class="org.elasticmq.server.Main",
    properties=lambda port: {
        "rest-sqs.bind-hostname": "127.0.0.1",
        "rest-sqs.bind-port": str(port),
        # What the URLs of queues begin with.
        "node-address.host": "127.0.0.1",
        "node-address.port": str(port),
        "rest-stats.enabled": "false",
    },
    ready=_is_elasticmq,
    options=("-Xmx256m",),
)

WAYS = (
    ("the endpoint in AWS_ENDPOINT_URL_SQS", partial(running_endpoint, "AWS_ENDPOINT_URL_SQS")),
    ("the pinned release from Maven Central", partial(pinned_release, SERVER)),
)


class LocalQueues(LocalEngine):
    """ElasticMQ, which speaks the protocol of SQS: in memory, on a free port of this machine.

    FIFO queues keep their order and drop duplicates as those of AWS do. Tried in turn: a running endpoint
    (AWS_ENDPOINT_URL_SQS), the pinned release from Maven Central (needs the extra `local`; the first download is
    37 MB). EngineUnavailableError says why each failed, in its message and in `tried`.
    """

    def _launch(self) -> Running:
        return first_that_works(SERVER.name, WAYS)

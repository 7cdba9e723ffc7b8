"""For maintainers: write the pin file of DynamoDB Local anew, after a change of its version.

Run `python -m aircraftops_data.testing._pin` and read the difference before keeping it.
"""

import hashlib
from importlib.resources import files
from pathlib import Path

from aircraftops_data.testing.dynamodb_local import SERVER
from aircraftops_data.testing.java import JavaServer


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
    Path(str(files("aircraftops_data.testing") / SERVER.pins)).write_text(pin(SERVER), "ascii")

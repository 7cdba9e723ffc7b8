"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from aircraftops_data.clock import Chance

CHUNK_BYTES = 1 << 20
PARTIAL = "%~"
"""What the name of a file begins with that is not whole yet."""


def written(path: Path, chunks: Iterable[bytes], *, new: bool = False) -> str:
    """Write a file of these bytes; their SHA-256 in hexadecimal. What stood there before stays until all are written.

    Raises OSError; FileExistsError where it is to be `new` and is not.
    """
    partial = path.with_name(f"{PARTIAL}{Chance().identifier()}")
    digest = sha256()
    try:
        with partial.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
            file.flush()
            os.fsync(file.fileno())
        if new:
            # A link is refused where there is a file; renaming would replace it.
            os.link(partial, path)
        else:
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return digest.hexdigest()

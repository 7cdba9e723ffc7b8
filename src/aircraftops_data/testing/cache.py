"""The user's cache folder, and a lock that lets one process at a time change it."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

NAME = "aircraftops-data"


def _users_caches() -> Path:
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path.home() / ".cache"


def cache_folder() -> Path:
    """Where downloads are kept between runs: AIRCRAFTOPS_CACHE_DIR, or a folder among the user's caches.

    The user's caches are XDG_CACHE_HOME or what the system names: LOCALAPPDATA, ~/Library/Caches or ~/.cache.
    """
    if chosen := os.environ.get("AIRCRAFTOPS_CACHE_DIR"):
        return Path(chosen).absolute()
    return _users_caches().absolute() / NAME


if sys.platform == "win32":
    import msvcrt
    import time

    def _lock(file: IO[bytes]) -> None:
        # LK_NBLCK and a loop: LK_LOCK gives up after ten seconds, and a download may take longer.
        while True:
            try:
                return msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            except OSError:
                time.sleep(0.1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)


@contextmanager
def sole_writer(folder: Path) -> Generator[None]:
    """Wait until no other process is inside this for `folder`, which is made if missing, and keep others out.

    The system lets go of the lock when the process ends, so none is ever stale.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("ab") as file:
        _lock(file)
        yield

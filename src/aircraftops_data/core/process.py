"""Which process this is, for people who want to know who did something."""

from __future__ import annotations

import os


def host_name() -> str:
    """The name of this machine; "host" where it has none."""
    import platform

    return platform.node() or "host"


def this_process() -> str:
    """Host name and process id."""
    return f"{host_name()}-{os.getpid()}"

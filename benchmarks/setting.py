"""What a run was measured on and with: the interpreter, the machine, the versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.results import Setting

_PACKAGES = (
    "aircraftops-data",
    "boto3",
    "botocore",
    "pydantic",
    "pynamodb",
    "pydynox",
    "dyntastic",
    "aiobotocore",
    "aiodynamo",
    "aiohttp",
    "uvloop",
    "aws-lambda-powertools",
    "huey",
    "python-dynamodb-lock",
    "dynalock",
    "cryptography",
    "pyarrow",
)


def setting(event_loop: str) -> Setting:
    """The setting of this process."""
    return Setting(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        event_loop=event_loop,
        versions={name: found for name in _PACKAGES if (found := _version(name))},
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    """The processor's own name, where the system tells it."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{named[0]}, {len(named)} logical processors" if named else platform.processor()

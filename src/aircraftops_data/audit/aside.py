"""What would hold up an event loop: the blocking twin just does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def aside(work: Callable[..., T], *given: Any) -> T:
    """What a call comes to."""
    return work(*given)

"""What would hold up the event loop is done in a thread. Its twin is `audit.aside`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def aside(work: Callable[..., T], *given: Any) -> T:
    """What a blocking call comes to, made in a thread."""
    return await asyncio.to_thread(work, *given)

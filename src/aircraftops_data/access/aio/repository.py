"""What every repository is: a core table, seen through the access patterns of one entity."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar, Generic, Self, TypeVar

from aircraftops_data.core.accompanied import Companion
from aircraftops_data.core.aio.table import AsyncCoreTable
from aircraftops_data.model.conditions import Condition
from aircraftops_data.model.entity import Entity

E = TypeVar("E", bound=Entity)


class AsyncRepository(Generic[E]):
    """Names the access patterns of an entity; `core` gives all else."""

    entity: ClassVar[type[Entity]]

    def __init__(self, core: AsyncCoreTable) -> None:
        self.core = core

    @classmethod
    def connect(cls, **options: Any) -> Self:
        """A repository of its own, on boto3's configuration; the options are those of `AsyncCoreTable.connect`."""
        return cls(AsyncCoreTable.connect(**options))

    def along_with(self, companion: Companion) -> Self:
        """The same repository, where each create, put, replace, update and delete takes another write along.

        What the companion says of a change is committed with it, in one transaction. See `Companion` for what it gets
        and gives, `Accompanied` for what that costs.
        """
        other = copy(self)
        other.core = self.core.along_with(companion)
        return other

    async def create(self, entity: E) -> E:
        """Store a new one. Raises AlreadyExistsError, UniqueConflictError."""
        return await self.core.create(entity)

    async def put(self, entity: E) -> E:
        """Store it, whether or not it exists. Raises UniqueConflictError."""
        return await self.core.put(entity)

    async def replace(self, entity: E) -> E:
        """Store it over the version it was read at. Raises VersionConflictError, NotFoundError."""
        return await self.core.replace(entity)

    async def update(self, entity: E, *, where: Condition | None = None, **changes: Any) -> E:
        """Change named fields of an instance, its version checked. Raises VersionConflictError, NotFoundError."""
        return await self.core.update(entity, set=changes, where=where)

    async def delete(self, entity: E) -> E | None:
        """Delete it at the version it was read at; None where it is gone already. Raises VersionConflictError."""
        return await self.core.delete(entity)

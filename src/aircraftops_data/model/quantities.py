"""Plain numbers that entities of every capability hold."""

from typing import Annotated

from pydantic import Field

Count = Annotated[int, Field(ge=0)]
Shard = Annotated[int, Field(ge=0, le=99)]

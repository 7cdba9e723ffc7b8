"""Repositories of the register and of operators."""

from __future__ import annotations

from datetime import date

from aircraftops_data.access.aio.repository import AsyncRepository
from aircraftops_data.core.aio.query import AsyncQuery
from aircraftops_data.entities.operators import Operator
from aircraftops_data.entities.registry import Owner, Registration


class AsyncRegistryRepository(AsyncRepository[Registration]):
    """Who held which mark when: by airframe, by mark and by owner."""

    entity = Registration

    async def current(self, mark: str, *, on: date) -> Registration | None:
        """The registration that held this mark on a day, the latest where several did; None where nobody did."""
        begun = self.core.query(Registration.by_mark(mark=mark).at_most(held_from=on)).newest_first()
        until = Registration.f.held_until
        return await begun.where(until.does_not_exist() | (until > on)).first()

    def history(self, icao24: str) -> AsyncQuery[Registration]:
        """The marks an airframe has held, oldest first."""
        return self.core.query(Registration.primary(icao24=icao24))

    def holders(self, mark: str) -> AsyncQuery[Registration]:
        """The airframes that have held a mark, oldest first."""
        return self.core.query(Registration.by_mark(mark=mark))

    def owned_by(self, owner_id: str) -> AsyncQuery[Registration]:
        """The marks held for an owner, oldest first."""
        return self.core.query(Registration.by_owner(owner_id=owner_id))


class AsyncOwnerRepository(AsyncRepository[Owner]):
    """Owners by id."""

    entity = Owner

    async def get(self, owner_id: str) -> Owner:
        """The owner with this id. Raises NotFoundError."""
        return await self.core.get(Owner, owner_id=owner_id)


class AsyncOperatorRepository(AsyncRepository[Operator]):
    """Operators by ICAO code, IATA code, callsign and country."""

    entity = Operator

    async def by_icao(self, icao: str) -> Operator:
        """The operator with this ICAO designator. Raises NotFoundError."""
        return await self.core.get(Operator, icao=icao)

    def by_iata(self, iata: str) -> AsyncQuery[Operator]:
        """The operators that use an IATA designator; there may be several."""
        return self.core.query(Operator.by_iata(iata=iata))

    def by_callsign(self, callsign: str) -> AsyncQuery[Operator]:
        """The operators that use a telephony designator."""
        return self.core.query(Operator.by_callsign(callsign=callsign))

    def in_country(self, country: str) -> AsyncQuery[Operator]:
        """The operators of a country (ISO 3166 alpha-2)."""
        return self.core.query(Operator.by_country(country=country))

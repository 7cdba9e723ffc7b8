"""Those who fly: airlines and other operators."""

from aircraftops_data.entities.aircraft import ShortText
from aircraftops_data.entities.values import Callsign, CountryCode, OperatorIata, OperatorIcao
from aircraftops_data.model.declarations import Index, PrimaryKey
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import CORE, GSI1, GSI2, GSI3


class Operator(Entity, table=CORE, entity_type="operator"):
    """An operator, known by its ICAO three-letter designator; IATA designators are shared and reused."""

    icao: OperatorIcao
    name: ShortText
    iata: OperatorIata | None = None
    callsign: Callsign | None = None
    country: CountryCode | None = None
    active: bool = True

    primary = PrimaryKey("OPERATOR#{icao}", "OPERATOR")
    by_iata = Index(GSI1, "IATA#{iata}", "OPERATOR#{icao}")
    by_country = Index(GSI2, "COUNTRY#{country}", "OPERATOR#{icao}")
    by_callsign = Index(GSI3, "CALLSIGN#{callsign}", "OPERATOR#{icao}")

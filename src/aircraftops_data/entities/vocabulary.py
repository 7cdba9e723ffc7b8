"""The closed vocabularies of the domain, and how the FAA's codes map onto them."""

from enum import StrEnum
from typing import Self

from aircraftops_data.errors import InvalidValueError


class _Vocabulary(StrEnum):
    """A set of words that is forgiving about padding and case, as public files need."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        word = value.strip().upper()
        return next((member for member in cls if member.value == word), None)


class AircraftStatus(_Vocabulary):
    """Where an airframe stands. UNKNOWN is for a source that does not say; it is not a synonym of STORED."""

    ACTIVE = "ACTIVE"
    STORED = "STORED"
    DEREGISTERED = "DEREGISTERED"
    DESTROYED = "DESTROYED"
    UNKNOWN = "UNKNOWN"


class OwnerKind(_Vocabulary):
    """What an owner is in law; the library never holds who it is."""

    INDIVIDUAL = "INDIVIDUAL"
    PARTNERSHIP = "PARTNERSHIP"
    CORPORATION = "CORPORATION"
    CO_OWNED = "CO_OWNED"
    GOVERNMENT = "GOVERNMENT"
    LLC = "LLC"
    NON_CITIZEN_CORPORATION = "NON_CITIZEN_CORPORATION"
    NON_CITIZEN_CO_OWNED = "NON_CITIZEN_CO_OWNED"


class ImageState(_Vocabulary):
    """How far the handling of an image has come."""

    PENDING = "PENDING"
    PROCESSED = "PROCESSED"
    REJECTED = "REJECTED"


class MaintenanceKind(_Vocabulary):
    """What a maintenance event records."""

    WORK_ORDER = "WORK_ORDER"
    INCIDENT = "INCIDENT"
    ACCIDENT = "ACCIDENT"


class WakeCategory(_Vocabulary):
    """Wake turbulence category of ICAO Doc 8643: Light, Medium, Heavy, and J for super."""

    LIGHT = "L"
    MEDIUM = "M"
    HEAVY = "H"
    SUPER = "J"


_OWNER_KINDS = {
    "1": OwnerKind.INDIVIDUAL,
    "2": OwnerKind.PARTNERSHIP,
    "3": OwnerKind.CORPORATION,
    "4": OwnerKind.CO_OWNED,
    "5": OwnerKind.GOVERNMENT,
    "7": OwnerKind.LLC,
    "8": OwnerKind.NON_CITIZEN_CORPORATION,
    "9": OwnerKind.NON_CITIZEN_CO_OWNED,
}

# Valid, or valid with a form, a notice or a report outstanding.
_ON_THE_REGISTER = "A M N S T V 1 8 14 15 24 25 26 28"
# Expired, revoked, ineffective or cancelled, and what awaits cancellation for one of those reasons.
_OFF_THE_REGISTER = "D E W 6 9 13 16 18 20 21 22 23 27 29"
# Pending, reserved, sale reported, enforcement letter: the registry itself does not say who may fly it.
_UNDECIDED = "R X Z 2 3 4 5 7 10 11 12 17 19"

_STATUSES = {
    code: status
    for codes, status in (
        (_ON_THE_REGISTER, AircraftStatus.ACTIVE),
        (_OFF_THE_REGISTER, AircraftStatus.DEREGISTERED),
        (_UNDECIDED, AircraftStatus.UNKNOWN),
    )
    for code in codes.split()
}


def owner_kind_of_faa(code: str) -> OwnerKind:
    """The owner kind for a TYPE REGISTRANT code of the FAA's MASTER file.

    Source: FAA, releasable aircraft database, ardata.pdf. Raises InvalidValueError for an unknown code.
    """
    kind = _OWNER_KINDS.get(code.strip())
    if kind is None:
        raise InvalidValueError("not a TYPE REGISTRANT code of the FAA: 1, 2, 3, 4, 5, 7, 8 and 9 are")
    return kind


def status_of_faa(code: str) -> AircraftStatus:
    """The status for a STATUS CODE of the FAA's MASTER file; a DEREG file keeps the last code and needs no mapping.

    Source: FAA, releasable aircraft database, ardata.pdf. Raises InvalidValueError for an unknown code.
    """
    status = _STATUSES.get(code.strip().upper())
    if status is None:
        raise InvalidValueError("not a STATUS CODE of the FAA's aircraft register")
    return status

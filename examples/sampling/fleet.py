"""The cuts that give the sample its aircraft. Owners' names and addresses are read here and go no further."""

from collections import Counter

from aircraftops_data.entities.values import normalise_mark, normalise_type_designator
from sampling.choice import Record, accepts, address, cut
from sampling.facts import FAA_MODEL_CODES, faa_designator, ntsb_designator, owner_kind_code
from sampling.related import is_usable_type
from sampling.sources import Sources

_REGISTER_COUNT, _WATCHED_COUNT, _ACCIDENT_COUNT = 1700, 700, 330
_TWIN_COUNT, _UNUSABLE_COUNT = 6, 24

# plane-alert-db has categories for state, ambulance, fire-fighting and survey aircraft; those that gather the aircraft
# of known persons, companies and collectors stay out.
_STATE = {"Mil", "Gov", "Pol"}
_PERSONAL = {"Dictator Alert", "Head of State", "Royal Aircraft", "Vanity Plate"}
_SERVICES = {"Flying Doctors", "Aerial Firefighter", "Ptolemy would be proud"}


def register_records(sources: Sources, extra: int = 0) -> list[Record]:
    """Lines of the FAA register whose owner is a company or a public body, among them every N-number that was reused.

    `extra` asks for so many lines more. A rare manufacturer is left out, for it may be a person who built one aircraft.
    """
    makers = Counter(record["Manufacturer"] for record in sources.register)
    records = [
        record
        for record in sources.register
        if owner_kind_code(record["Owner"]) and makers[record["Manufacturer"]] >= 5
    ]
    reused = {record["Registration.Number"] for record in sources.accidents}
    again = {record["N-Number"] for record in records if f"N{record['N-Number']}" in reused}
    chosen = {record["N-Number"] for record in cut(records, _REGISTER_COUNT + extra, "N-Number")}
    return [record for record in records if record["N-Number"] in chosen | again]


def register_line(sources: Sources, record: Record) -> Record:
    """A line of the FAA register, the owner replaced by the kind of owner and the operator's designator."""
    designator = faa_designator(record["Model"])
    return {
        "N-NUMBER": record["N-Number"],
        "SERIAL NUMBER": record["Serial"],
        "MFR": record["Manufacturer"],
        "MODEL": record["Model"],
        "YEAR MFR": record["Year"],
        "TYPE REGISTRANT": owner_kind_code(record["Owner"]),
        "LAST ACTION DATE": record["Status"],
        "TYPE DESIGNATOR": designator if designator in sources.types else "",
        "OPERATOR": sources.operator_of(record["Owner"], "US"),
    }


def register_2015_lines(sources: Sources) -> list[Record]:
    """The 2015 extract of the register, without owners and addresses."""
    kept = ("n_number", "serial_number", "mfr_mdl_code", "year_mfr", "type_registrant", "cert_issue_date")
    more = ("status_code", "expiration_date", "mode_s_code", "mode_s_code_hex")
    return [
        {name: record[name] for name in (*kept, *more)}
        | {"type_designator": FAA_MODEL_CODES.get(record["mfr_mdl_code"], "NA")}
        for record in sources.table("faa/registry_fullcols_fbi_planes.csv")
    ]


def deregistered_lines(sources: Sources) -> list[Record]:
    """The cancelled registrations of the FAA's layout sample, padding included: one mark, two airframes."""
    kept = ("N-NUMBER", "SERIAL-NUMBER", "MFR-MDL-CODE", "STATUS-CODE", "YEAR-MFR", "CERT-ISSUE-DATE", "CANCEL-DATE")
    more = ("MODE-S-CODE", "KIT MFR", " KIT MODEL", "MODE S CODE HEX")
    records = sources.table("faa/layout-samples/DEREG.txt")
    return [{name: record[name] for name in (*kept, *more)} for record in records]


def watched_lines(sources: Sources, taken: set[str]) -> list[Record]:
    """State and service aircraft of plane-alert-db, with some marks on two aircraft and some unusable marks."""
    records = [
        record for record in sources.watched if _serves_the_public(record) and record["$ICAO"].lower() not in taken
    ]
    types = {record["Designator"] for record in sources.types.values() if is_usable_type(record)}
    clean = [record for record in records if is_usable(record) and record["$ICAO Type"] in types]
    marks = Counter(record["$Registration"] for record in clean)
    chosen = [
        *cut(clean, _WATCHED_COUNT, "$ICAO"),
        *cut([record for record in clean if marks[record["$Registration"]] > 1], _TWIN_COUNT, "$Registration"),
        *cut([record for record in records if not is_usable(record)], _UNUSABLE_COUNT, "$ICAO"),
    ]
    icao24s = {record["$ICAO"] for record in chosen}
    return [_watched_line(sources, record) for record in records if record["$ICAO"] in icao24s]


def _serves_the_public(record: Record) -> bool:
    return record["Category"] in _SERVICES or (record["#CMPG"] in _STATE and record["Category"] not in _PERSONAL)


def is_usable(record: Record) -> bool:
    """Whether the library will take this line of plane-alert-db."""
    return accepts(normalise_mark, record["$Registration"]) and accepts(normalise_type_designator, record["$ICAO Type"])


def _watched_line(sources: Sources, record: Record) -> Record:
    country = sources.country_of(record["$ICAO"])
    kept = ("$ICAO", "$Registration", "$Type", "$ICAO Type", "#CMPG")
    operator = sources.operator_of(record["$Operator"], country)
    return {name: record[name] for name in kept} | {"Operator ICAO": operator, "Country": country}


def image_lines(sources: Sources, watched: list[Record]) -> list[Record]:
    """The image links of those aircraft that have any and that the library takes."""
    icao24s = {record["$ICAO"] for record in watched if is_usable(record)}
    records = [record for record in sources.table("images/plane_alert_images.csv") if record["$ICAO"] in icao24s]
    return [record for record in records if any(record[name] for name in record if name != "$ICAO")]


def accident_records(sources: Sources, taken: set[str]) -> list[Record]:
    """Every incident, every aircraft with two events, every unusable mark, and some accidents of known types.

    An N-number that another airframe carries by now is left out, for its address leads to that other airframe.
    """
    records = [record for record in sources.accidents if address(record["Registration.Number"]) not in taken]
    usable = [record for record in records if address(record["Registration.Number"])]
    typed = [record for record in usable if ntsb_designator(record["Make"], record["Model"]) in sources.types]
    events = Counter(record["Registration.Number"] for record in usable)
    chosen = [
        *cut(typed, _ACCIDENT_COUNT, "Registration.Number"),
        *[record for record in usable if events[record["Registration.Number"]] > 1],
        *[record for record in usable if record["Investigation.Type"] == "Incident"],
        *[record for record in records if not address(record["Registration.Number"])],
    ]
    numbers = {record["Accident.Number"] for record in chosen}
    return [record for record in records if record["Accident.Number"] in numbers]


def accident_aircraft_lines(sources: Sources, records: list[Record]) -> list[Record]:
    """The aircraft of these accidents, once each; an unusable mark stays as often as it occurs."""
    destroyed = {record["Registration.Number"] for record in records if record["Aircraft.damage"] == "Destroyed"}
    aircraft: dict[str, Record] = {}
    for record in records:
        mark = record["Registration.Number"]
        aircraft.setdefault(mark if address(mark) else record["Accident.Number"], record)
    return [_accident_aircraft_line(sources, record, destroyed) for record in aircraft.values()]


def _accident_aircraft_line(sources: Sources, record: Record, destroyed: set[str]) -> Record:
    designator = ntsb_designator(record["Make"], record["Model"])
    return {name: record[name] for name in ("Registration.Number", "Make", "Model")} | {
        "Destroyed": "Yes" if record["Registration.Number"] in destroyed else "No",
        "Type.Designator": designator if designator in sources.types else "",
        "Operator": sources.operator_of(record["Air.carrier"], "US"),
    }

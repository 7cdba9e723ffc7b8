"""What keys are made of: an entity's templates, the keys of given components, and what a stored key says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aircraftops_data.errors import InvalidInputError, InvalidKeyError
from aircraftops_data.model.definition import BoundKey, EntityDefinition, KeyPart
from aircraftops_data.model.keys import Component
from aircraftops_data.model.schema import Table

Record = dict[str, Any]


def entity_named(tables: tuple[Table, ...], name: str) -> EntityDefinition | None:
    """The entity of this class name or entity type; None where there is none."""
    every = [definition for table in tables for definition in table.entities.values()]
    return next((d for d in every if name in (d.name, d.entity_type)), None)


def templates_of(definition: EntityDefinition) -> list[Record]:
    """One record per key attribute of the entity: its template, and how each component is written."""
    records = [_template(definition, key, part) for key in definition.keys for part in key.parts]
    for unique in definition.uniques:
        name = f"unique ({', '.join(unique.fields)})"
        records.append(_record(definition, name, "(sentinel)", unique.part))
    return records


def _template(definition: EntityDefinition, key: BoundKey, part: KeyPart) -> Record:
    return _record(definition, key.name, "primary key" if key.index is None else key.index.name, part)


def _record(definition: EntityDefinition, name: str, place: str, part: KeyPart) -> Record:
    segments = part.template.segments
    written = [f"{s.name}: {s.encoder.kind}" for s in segments if isinstance(s, Component)]
    return {
        "entity": definition.name,
        "key": name,
        "in": place,
        "attribute": part.attribute.name,
        "template": part.template.text,
        "components": ", ".join(written),
    }


def keys_of(definition: EntityDefinition, given: Mapping[str, str]) -> list[Record]:
    """The key values these components build; where some are missing, the prefix a query would use."""
    values = {name: definition.coerce(name, value) for name, value in _known(definition, given).items()}
    return [_built(key, part, values) for key in definition.keys for part in key.parts]


def _known(definition: EntityDefinition, given: Mapping[str, str]) -> Mapping[str, str]:
    for name in given:
        if name not in definition.entity.model_fields:
            raise InvalidInputError(f"{definition.name} has no field {name!r}")
    return given


def _built(key: BoundKey, part: KeyPart, values: Mapping[str, Any]) -> Record:
    text, missing = part.template.prefix({k: v for k, v in values.items() if k in part.template.components})
    record: Record = {"key": key.name, "attribute": part.attribute.name, "value": text}
    if missing is not None:
        record["then"] = f"any {missing.name}"
    return record


def meanings_of(tables: tuple[Table, ...], text: str) -> list[Record]:
    """Every key of every entity that could have this stored value, with its components."""
    return [record for table in tables for d in table.entities.values() for record in _meanings(d, text)]


def _meanings(definition: EntityDefinition, text: str) -> Iterator[Record]:
    for key in definition.keys:
        for part in key.parts:
            try:
                components = part.template.parse(text)
            except InvalidKeyError:
                continue
            record = _template(definition, key, part)
            said = ", ".join(f"{name}={value!r}" for name, value in components.items())
            yield {**record, "components": said or "(none)"}

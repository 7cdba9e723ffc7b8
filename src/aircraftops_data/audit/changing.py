"""What was changed in an entity, as an event says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aircraftops_data.audit.differences import changes_between
from aircraftops_data.audit.model import FieldChange
from aircraftops_data.core.accompanied import Changed


def change_of(changed: Changed, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What an event says of a change, beside what is `asked`: its action, resource and changed fields."""
    kind = changed.entity_type.definition().entity_type
    entity = changed.after or changed.before
    identity = "" if entity is None else ":".join(str(value) for value in entity.identity().values())
    found = changes_between(changed.before, changed.after)
    said = {
        "action": f"{kind}.{changed.operation}",
        "resource": f"{kind}:{identity}",
        "changes": [FieldChange(field=d.field, before=d.before, after=d.after, redacted=d.redacted) for d in found],
    }
    return {**said, **asked}

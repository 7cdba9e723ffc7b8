"""One field of an entity at a time: its validator, its attribute name, and what pydantic found wrong."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast, get_origin

from pydantic import AliasChoices, AliasPath, ValidationError
from pydantic_core import SchemaValidator

from aircraftops_data.errors import DefinitionError
from aircraftops_data.model.privacy import Privacy

if TYPE_CHECKING:
    from aircraftops_data.model.entity import Entity
    from aircraftops_data.model.schema import Table

Schema = dict[str, Any]


class FieldValidators:
    """Validates single fields with the entity's own rules, without an entity around them."""

    def __init__(self, entity: type[Entity]) -> None:
        self._entity = entity
        self._validators: dict[str, SchemaValidator] = {}

    def validate(self, name: str, value: Any) -> Any:
        """The value as the field normalises it. Raises pydantic's ValidationError.

        A field whose rule looks at other fields has no rule by itself; its value comes back as it is.
        """
        if name in self.dependent:
            return value
        if name not in self._validators:
            self._validators[name] = self._build(name)
        return self._validators[name].validate_python(value)

    @cached_property
    def dependent(self) -> frozenset[str]:
        """The fields with rules that are given the other fields too."""
        fields, _, _ = model_fields(cast("Schema", self._entity.__pydantic_core_schema__))
        return frozenset(name for name, field in fields.items() if looks_around(field))

    @property
    def whole(self) -> bool:
        """Whether some rule of the entity takes more than one field to answer."""
        return bool(self.dependent) or bool(self._entity.__pydantic_decorators__.model_validators)

    def free(self, name: str) -> bool:
        """Whether any value of the field's type will do: it has no constraints and no rules of its own."""
        rules = [rule for rule in self._entity.model_fields[name].metadata if not isinstance(rule, Privacy)]
        return not rules and not any(
            name in decorator.info.fields or "*" in decorator.info.fields
            for decorator in self._entity.__pydantic_decorators__.field_validators.values()
        )

    def _build(self, name: str) -> SchemaValidator:
        schema: Schema = cast("Schema", self._entity.__pydantic_core_schema__)
        fields, config, definitions = model_fields(schema)
        field: Schema = fields[name]["schema"]
        if definitions:
            field = {"type": "definitions", "schema": field, "definitions": definitions}
        return SchemaValidator(cast("Any", field), cast("Any", config))


def model_fields(schema: Schema) -> tuple[dict[str, Schema], Schema | None, list[Schema]]:
    """The fields of a model's core schema, its configuration, and the definitions the fields may refer to."""
    definitions: list[Schema] = []
    config: Schema | None = None
    while schema["type"] != "model-fields":
        if schema["type"] == "definitions":
            definitions = schema["definitions"]
        config = schema.get("config") or config
        if schema["type"] == "definition-ref":
            schema = next(known for known in definitions if known.get("ref") == schema["schema_ref"])
        else:
            schema = schema["schema"]
    return schema["fields"], config, definitions


def looks_around(schema: Any) -> bool:
    """Whether a validator function somewhere in a schema is given the validation's context."""
    if isinstance(schema, list):
        return any(looks_around(inner) for inner in schema)  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(schema, dict):
        return False
    found = cast("Schema", schema)
    function = found.get("function")
    if isinstance(function, dict) and cast("Schema", function).get("type") == "with-info":
        return True
    return any(_part_looks_around(name, inner) for name, inner in found.items())


def _part_looks_around(name: str, inner: Any) -> bool:
    if name in ("fields", "choices") and isinstance(inner, dict):
        # By names of their own, which may be any.
        return any(looks_around(schema) for schema in cast("Schema", inner).values())
    return name not in ("metadata", "default") and looks_around(inner)


def set_kind(entity: type[Entity], name: str) -> Callable[[], AbstractSet[Any]] | None:
    """What makes an empty set of a field that is always a set; None for any other."""
    annotation = entity.model_fields[name].annotation
    origin: Any = get_origin(annotation) or annotation
    if not isinstance(origin, type) or not issubclass(origin, AbstractSet):
        return None
    return frozenset if origin is frozenset else set


def attribute_names(entity: type[Entity], table: Table) -> dict[str, str]:
    """Field names to stored attribute names. Raises DefinitionError where two fields share one, or one has none.

    A field is stored under its alias where it has one; what the library keeps, under the table's names for it. Without
    a TTL attribute, `expires_at` is stored nowhere.
    """
    for name, field in entity.model_fields.items():
        if field.exclude or getattr(field, "exclude_if", None):
            raise DefinitionError(f"{entity.__name__}.{name}: a field that is excluded would not be stored")
    names = {name: field.serialization_alias or field.alias or name for name, field in entity.model_fields.items()}
    managed = table.managed
    names |= {"version": managed.version, "created_at": managed.created_at, "updated_at": managed.updated_at}
    if table.ttl_attribute is None:
        del names["expires_at"]
    else:
        names["expires_at"] = table.ttl_attribute
    if len(set(names.values())) != len(names):
        raise DefinitionError(f"{entity.__name__}: two fields are stored under one attribute name")
    return names


def validation_keys(entity: type[Entity]) -> dict[str, str]:
    """What pydantic calls each field in its input: its alias where it has one. Raises DefinitionError for a path."""
    return {name: _validation_key(entity, name) for name in entity.model_fields}


def _validation_key(entity: type[Entity], name: str) -> str:
    alias = entity.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    if isinstance(alias, AliasPath):
        raise DefinitionError(f"{entity.__name__}.{name}: an AliasPath has no stored name; use a plain alias")
    return alias or name


def _said(found: Any) -> str:
    """Pydantic's words, except where they quote the value."""
    return "Input has no known tag" if found["type"] == "union_tag_invalid" else str(found["msg"])


def problems(error: ValidationError, *path: str) -> tuple[str, ...]:
    """What pydantic found, each as `problem @ path`; values are left out.

    Who raises an error from these does so `from None`: pydantic's own may quote a value, and a traceback shows it.
    """
    return tuple(
        f"{_said(found)} @ {'.'.join(str(step) for step in (*path, *found['loc'])) or '(item)'}"
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    )

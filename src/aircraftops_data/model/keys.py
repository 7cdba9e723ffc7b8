"""Key templates: text a reader understands, built and parsed without loss, ordered as its components are.

`#` separates. Inside a component every code point up to U+0025 (`%`) is written as `%` and two hexadecimal digits:
then no value can forge a separator, and comparing two keys byte by byte compares their components one by one
(the separator U+0023 sorts below the escape U+0025, which sorts below every character left as it is).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aircraftops_data.errors import AircraftOpsDataError, DefinitionError, InvalidKeyError
from aircraftops_data.model.encoders import TEXT, KeyEncoder

SEPARATOR = "#"
# The least character above the separator: a prefix ending in it bounds everything below the prefix from above.
AFTER_SEPARATOR = "$"

_ESCAPES = {code: f"%{code:02X}" for code in range(0x26)}
_ESCAPED = re.compile(r"%([01][0-9A-F]|2[0-5])")
_UNSAFE = re.compile(r"[\x00-\x25]")

is_safe = re.compile(r"[\x26-\x7e]*").fullmatch
"""Whether a text stands in a component as it is, whatever the template's escapes."""
_COMPONENT = re.compile(r"\{(\w+)(?::([\d.]+))?\}")


def as_it_is(text: str) -> str:
    """The text unchanged. Raises InvalidKeyError where it has no UTF-8 form."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidKeyError("A key component holds a lone surrogate, which has no UTF-8 form") from error
    return text


def escape(text: str) -> str:
    """Text as it stands inside a component; order is kept. Raises InvalidKeyError where it has no UTF-8 form."""
    return text if is_safe(text) else as_it_is(text).translate(_ESCAPES)


def unescape(text: str) -> str:
    """The inverse of `escape`; refuses text that `escape` does not write."""
    if _UNSAFE.search(_ESCAPED.sub("", text)):
        raise InvalidKeyError("A key component holds a character that is always escaped")
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def refuse_separator(text: str) -> str:
    """Text as it is, for tables whose keys others write; a separator in it would forge another key."""
    if SEPARATOR in text:
        raise InvalidKeyError(f"A key component holds {SEPARATOR!r}, which separates components")
    return as_it_is(text)


@dataclass(frozen=True, slots=True)
class Component:
    """A named place in a template, with the encoder of its field's type."""

    name: str
    spec: str = ""
    encoder: KeyEncoder = TEXT


Segment = str | Component


@dataclass(frozen=True)
class KeyTemplate:
    """`"TYPE#{typecode}#{registration}"`: segments between separators, each literal text or one component.

    A template that is one component and nothing else stores the value as it is, unescaped: there is nothing to
    separate, and keys that others wrote stay readable.
    """

    text: str
    segments: tuple[Segment, ...]
    escape: Callable[[str], str] = escape
    unescape: Callable[[str], str] = unescape

    @classmethod
    def of(
        cls, text: str, encoder: Callable[[str, str], KeyEncoder] | None = None, *, escaped: bool = True
    ) -> KeyTemplate:
        """Read a template; `encoder(component, spec)` gives each component's encoder (text when absent)."""
        segments = tuple(_segment(part, text, encoder) for part in text.split(SEPARATOR))
        template = cls(text, segments)
        if len(template.components) != len(set(template.components)):
            raise DefinitionError(f"Key template {text!r} names a component twice")
        if len(segments) == 1 and template.components:
            return cls(text, segments, as_it_is, str)
        return template if escaped else cls(text, segments, refuse_separator, str)

    @cached_property
    def components(self) -> tuple[str, ...]:
        """The names of the components, in order."""
        return tuple(segment.name for segment in self.segments if isinstance(segment, Component))

    @property
    def whole(self) -> bool:
        """Whether the template is a single component, stored as it is."""
        return len(self.segments) == 1 and isinstance(self.segments[0], Component)

    @property
    def leading_literals(self) -> tuple[str, ...]:
        """The literal segments before the first component."""
        first = next((i for i, segment in enumerate(self.segments) if isinstance(segment, Component)), None)
        return tuple(segment for segment in self.segments[:first] if isinstance(segment, str))

    def component(self, name: str) -> Component:
        """The component of this name. Raises InvalidKeyError where there is none."""
        for segment in self.segments:
            if isinstance(segment, Component) and segment.name == name:
                return segment
        raise InvalidKeyError(f"Key template {self.text!r} has no component {name!r}", component=name)

    def build(self, values: Mapping[str, Any]) -> str | None:
        """The key of these values; None where a component is None (a sparse key). Raises InvalidKeyError."""
        parts: list[str] = []
        for segment in self.segments:
            if isinstance(segment, str):
                parts.append(segment)
                continue
            value = _given(segment, values)
            if value is None:
                return None
            parts.append(self.encoded(segment, value))
        return SEPARATOR.join(parts)

    def encoded(self, component: Component, value: Any) -> str:
        """One component's text, escaped. Raises InvalidKeyError naming the component."""
        try:
            return self.escape(component.encoder.encode(value))
        except (AircraftOpsDataError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise InvalidKeyError(f"Component {component.name!r}: {error}", component=component.name) from error

    def parse(self, key: str) -> dict[str, Any]:
        """The components of a built key, the inverse of `build`. Raises InvalidKeyError for any other text."""
        parts = [key] if self.whole else key.split(SEPARATOR)
        if len(parts) != len(self.segments):
            raise InvalidKeyError(f"Key does not have the {len(self.segments)} segments of {self.text!r}")
        found: dict[str, Any] = {}
        for segment, part in zip(self.segments, parts, strict=True):
            if isinstance(segment, Component):
                found[segment.name] = self._decoded(segment, part)
            elif segment != part:
                raise InvalidKeyError(f"Key does not have the literal {segment!r} of {self.text!r}")
        return found

    def _decoded(self, component: Component, part: str) -> Any:
        try:
            value = component.encoder.decode(self.unescape(part))
        except (AircraftOpsDataError, ValueError, KeyError, ArithmeticError) as error:
            raise InvalidKeyError(f"Component {component.name!r} of {self.text!r} does not parse") from error
        if self.encoded(component, value) != part:
            raise InvalidKeyError(f"Component {component.name!r} of {self.text!r} is not in its one written form")
        return value

    def prefix(self, values: Mapping[str, Any], known: Container[str] = ()) -> tuple[str, Component | None]:
        """The text before the first component that `values` does not give, and that component (None: complete).

        The text ends at a separator, so B73 never reaches B738. Raises InvalidKeyError for a component given
        behind one that is not, unless it had to be given anyway (`known`: the partition key has it too).
        """
        parts: list[str] = []
        for position, segment in enumerate(self.segments):
            if isinstance(segment, Component) and segment.name not in values:
                self._refuse_gap(segment, self.segments[position:], {n: v for n, v in values.items() if n not in known})
                return "".join(part + SEPARATOR for part in parts), segment
            parts.append(segment if isinstance(segment, str) else self.encoded(segment, values[segment.name]))
        return SEPARATOR.join(parts), None

    def _refuse_gap(self, missing: Component, rest: Sequence[Segment], values: Mapping[str, Any]) -> None:
        for segment in rest:
            if isinstance(segment, Component) and segment.name in values:
                raise InvalidKeyError(
                    f"{segment.name!r} is given without {missing.name!r}, which stands before it in {self.text!r}",
                    component=missing.name,
                )

    def overlaps(self, other: KeyTemplate) -> bool:
        """Whether some key could be built by both templates."""
        if self.whole or other.whole:
            return True
        same_length = len(self.segments) == len(other.segments)
        return same_length and _compatible(self.segments, other.segments)

    def captures(self, other: KeyTemplate) -> bool:
        """Whether a query for this template's leading literals could meet a key of the other."""
        if not self.components:
            return self.overlaps(other)
        literals = self.leading_literals
        return other.whole or (len(other.segments) > len(literals) and _compatible(literals, other.segments))


def _segment(part: str, text: str, encoder: Callable[[str, str], KeyEncoder] | None) -> Segment:
    match = _COMPONENT.fullmatch(part)
    if match is not None:
        name, spec = match[1], match[2] or ""
        return Component(name, spec, encoder(name, spec) if encoder else TEXT)
    if not part or _UNSAFE.search(part) or "{" in part or "}" in part:
        raise DefinitionError(
            f"Key template {text!r}: {part!r} is neither literal text nor one {{component}}; "
            f"put {SEPARATOR!r} between components"
        )
    return part


def _given(component: Component, values: Mapping[str, Any]) -> Any:
    try:
        return values[component.name]
    except KeyError:
        raise InvalidKeyError(f"Key component {component.name!r} is missing", component=component.name) from None


def _compatible(left: Sequence[Segment], right: Sequence[Segment]) -> bool:
    """Whether the segments both have can be equal (a component can be any text)."""
    return all(
        a == b or isinstance(a, Component) or isinstance(b, Component) for a, b in zip(left, right, strict=False)
    )

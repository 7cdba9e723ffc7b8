"""Filters for Lambda's event source mapping: what subscriptions want, said so that the rest costs no invocation.

A filter says what can be told from the operation and the primary key: whose key begins so, or is so. It lets through
all that is wanted, and also what only looks like it: by `changed` and `where` the router decides, and of an item whose
image is corrupt the router must hear. An item lies at its entity's key, as the library writes it; one that says it is
of the entity but lies elsewhere in the table is not let through. What matches no filter Lambda passes over, as if it
had been handled: no invocation, no retry, and nobody is told.

AWS's pages disagree about `eventName`: Lambda's says that filters see `dynamodb` alone, DynamoDB's filter by
`userIdentity` (and so do SAM's and CDK's examples by `eventName`), and it works. `eventSource`, `awsRegion` and
`eventSourceARN` seem to be added after filtering: do not ask for them. `matches` sees whatever the record has.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal, NamedTuple

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.definition import KeyPart
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.keys import SEPARATOR
from aircraftops_data.streams.change import Operation
from aircraftops_data.streams.patterns import Pattern, is_array
from aircraftops_data.streams.stored import is_map
from aircraftops_data.streams.subscription import Subscription

Source = Literal["dynamodb", "kinesis"]

FILTER_LIMIT = 5
"""Filters of one event source mapping (Lambda quotas; AWS raises it to 10 when asked)."""
PATTERN_LIMIT = 4096
"""Characters of one pattern (Lambda API reference, Filter)."""


class _Text(NamedTuple):
    """One text that will do, or the beginning of some."""

    text: str
    begins: bool = False

    def covers(self, other: _Text) -> bool:
        return other.text.startswith(self.text) if self.begins else self == other

    def rule(self) -> Any:
        return {"prefix": self.text} if self.begins else self.text


_Path = tuple[str, ...]
_Condition = Mapping[_Path, frozenset[_Text]]
"""What must hold together: each of these fields is one of these texts. Without any field, everything will do."""

_NAMES: _Path = ("eventName",)
_EVERY_NAME = frozenset(_Text(operation.name) for operation in Operation)


def filter_criteria(subscriptions: Iterable[Subscription], *, source: Source = "dynamodb") -> dict[str, Any]:
    """The FilterCriteria that let through all that these want; `{}`, which is none, where they want everything.

    At most 5 filters of at most 4096 characters. They are as few as can be said without letting through more; where
    that takes more than 5, those most alike are joined, and let through some of what nobody wants. The same
    subscriptions in any order give the same text. `source` is the kind of stream that Lambda reads: DynamoDB's own, or
    a Kinesis stream that DynamoDB writes to. Raises InvalidInputError where nothing is wanted.
    """
    wanted = _wanted(subscriptions)
    if not wanted:
        raise InvalidInputError("Nothing is subscribed to; no filter lets nothing through")
    conditions = sorted((_condition(entity, names) for entity, names in wanted.items()), key=_text)
    fitting = _cut(_joined(conditions))
    if not all(fitting):
        return {}
    root: _Path = () if source == "dynamodb" else ("data",)
    return {"Filters": [{"Pattern": text} for text in sorted(_text(condition, root) for condition in fitting)]}


def _wanted(subscriptions: Iterable[Subscription]) -> dict[type[Entity] | None, frozenset[_Text]]:
    found: dict[type[Entity] | None, frozenset[_Text]] = {}
    for subscription in subscriptions:
        names = frozenset(_Text(operation.name) for operation in subscription.operations)
        if names:
            found[subscription.entity] = found.get(subscription.entity, frozenset()) | names
    return found


def _condition(entity: type[Entity] | None, names: frozenset[_Text]) -> _Condition:
    condition: dict[_Path, frozenset[_Text]] = {} if names == _EVERY_NAME else {_NAMES: names}
    for part in () if entity is None else entity.definition().primary.parts:
        text = _literal(part)
        if text is not None:
            condition["dynamodb", "Keys", part.attribute.name, "S"] = frozenset({text})
    return condition


def _literal(part: KeyPart) -> _Text | None:
    """What every key of this template is, or begins with; None where that is nothing."""
    literals = part.template.leading_literals
    if not part.template.components:
        return _Text(SEPARATOR.join(literals))
    return _Text("".join(literal + SEPARATOR for literal in literals), begins=True) if literals else None


def _joined(conditions: Sequence[_Condition]) -> list[_Condition]:
    """The conditions joined two by two: as long as nothing is lost by it, and then until they are few enough."""
    left = list(conditions)
    while len(left) > 1:
        loss, first, second = min((_loss(left[i], left[j]), i, j) for i, j in combinations(range(len(left)), 2))
        if loss and len(left) <= FILTER_LIMIT:
            break
        left[first] = _union(left[first], left.pop(second))
    return left


def _loss(one: _Condition, other: _Condition) -> int:
    """How much more the union lets through than both do: 0 for nothing; differing operations weigh most."""
    differing = [path for path in {*one, *other} if one.get(path) != other.get(path)]
    if len(differing) < 2 or _covers(one, other) or _covers(other, one):
        return 0
    return len(differing) + (10 if _NAMES in differing else 0)


def _covers(one: _Condition, other: _Condition) -> bool:
    return all(
        path in other and all(any(text.covers(narrow) for text in texts) for narrow in other[path])
        for path, texts in one.items()
    )


def _union(one: _Condition, other: _Condition) -> _Condition:
    """A condition that holds where either does."""
    joined = {path: _least(one[path] | other[path]) for path in one if path in other}
    return {path: texts for path, texts in joined.items() if texts != _EVERY_NAME}


def _least(texts: frozenset[_Text]) -> frozenset[_Text]:
    return frozenset(text for text in texts if not any(wide != text and wide.covers(text) for wide in texts))


def _cut(conditions: Sequence[_Condition]) -> list[_Condition]:
    """The conditions, none longer than a pattern may be: halved while there is room for more, then made to ask less."""
    left = list(conditions)
    while (at := next((i for i, each in enumerate(left) if _is_long(each)), None)) is not None:
        left[at : at + 1] = _shorter(left[at], room=len(left) < FILTER_LIMIT)
    return left


def _is_long(condition: _Condition) -> bool:
    return len(_text(condition, ("data",))) > PATTERN_LIMIT


def _shorter(condition: _Condition, *, room: bool) -> list[_Condition]:
    path = max(condition, key=lambda path: (len(_text({path: condition[path]})), path))
    texts, middle = sorted(condition[path]), len(condition[path]) // 2
    if room and middle:
        return [{**condition, path: frozenset(half)} for half in (texts[:middle], texts[middle:])]
    return [{other: texts for other, texts in condition.items() if other != path}]


def _text(condition: _Condition, root: _Path = ()) -> str:
    """The condition as a pattern: JSON text in ASCII."""
    pattern: dict[str, Any] = {}
    for path in sorted(condition):
        node = pattern
        for name in (*root, *path[:-1]):
            node = node.setdefault(name, {})
        node[path[-1]] = [text.rule() for text in sorted(condition[path])]
    return json.dumps(pattern, separators=(",", ":"))


def matches(criteria: str | Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether Lambda would give the function this record: one of an event, as Lambda writes it.

    `criteria` are FilterCriteria, or one pattern, as text or as what its JSON says. Without any filter everything is
    given. A Kinesis record whose data is not JSON in UTF-8 is dropped where the pattern asks for something in `data`.
    Raises InvalidInputError for a pattern that AWS would refuse.
    """
    patterns = [Pattern.of(pattern) for pattern in _patterns(criteria)]
    if not patterns:
        return True
    event, unread = _event(record)
    return any(pattern.matches(event) for pattern in patterns if pattern.names.isdisjoint(unread))


def problems(criteria: Mapping[str, Any], *, most: int = FILTER_LIMIT) -> list[str]:
    """Why AWS would refuse the FilterCriteria, in words; nothing where it would take them. Up to `most` are allowed."""
    filters = _patterns(criteria)
    found = [f"{len(filters)} filters; an event source mapping takes {most}"] if len(filters) > most else []
    for number, pattern in enumerate(filters, start=1):
        if isinstance(pattern, str) and len(pattern) > PATTERN_LIMIT:
            found.append(f"filter {number}: {len(pattern)} characters; a pattern may have {PATTERN_LIMIT}")
        try:
            Pattern.of(pattern)
        except InvalidInputError as error:
            found.append(f"filter {number}: {error.message}")
    return found


def _patterns(criteria: str | Mapping[str, Any]) -> list[str | Mapping[str, Any]]:
    if isinstance(criteria, str) or (criteria and "Filters" not in criteria):
        return [criteria]
    filters = criteria.get("Filters", [])
    if not is_array(filters):
        raise InvalidInputError("FilterCriteria are an object with a list of Filters")
    return [_of_filter(each) for each in filters]


def _of_filter(entry: object) -> str:
    text = entry.get("Pattern") if is_map(entry) else None
    if not isinstance(text, str):
        raise InvalidInputError("A filter is an object with a Pattern, which is text")
    return text


def _event(record: Mapping[str, Any]) -> tuple[Mapping[str, Any], frozenset[str]]:
    """What patterns are held against, and what of it cannot be read: of a Kinesis record its data, decoded."""
    kinesis = record.get("kinesis")
    if kinesis is None:
        return record, frozenset()
    flat = {**{name: value for name, value in record.items() if name != "kinesis"}, **kinesis}
    try:
        return {**flat, "data": json.loads(b64decode(flat.get("data", "")))}, frozenset()
    except ValueError:
        return flat, frozenset({"data"})

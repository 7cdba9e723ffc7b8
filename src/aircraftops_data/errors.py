"""Every error of the library, by who must act.

    AircraftOpsDataError
      DefinitionError                  the programmer's table, key or entity is wrong (raised at import)
        NoHandlerError                 a worker claimed a job of a kind it has no handler for (.kind)
      MissingExtraError                an optional dependency is not installed; the message names the command
      InvalidInputError                the caller's argument; nothing was sent
        InvalidKeyError                a key component is missing, of the wrong kind or too long
        InvalidCursorError             a cursor that is damaged, forged or of another query
        InvalidValueError              a value that DynamoDB cannot hold, or that an entity's field refuses
        InvalidMessageError            a message that names no job
        UnknownEventError              an event that holds no stream records
        UnsupportedAlgorithmError      a hash algorithm that audit chains do not have (.algorithm)
        ItemTooLargeError              an item over 400 KB
        SecretFoundError               what looks like a secret, where none may be (.kinds, .places)
        RequestRefusedError            the engine called the request invalid; nothing was changed
      NotFoundError                    no such item
      NotUniqueError                   one item was expected, several were there
      ConflictError                    a condition said no
        AlreadyExistsError             create: something is there already (.existing)
        VersionConflictError           the item has moved on (.expected, .found, .existing)
        ConditionFailedError           the caller's own condition does not hold (.existing)
        UniqueConflictError            another item holds a unique value (.constraint, .holder)
        TransactionConflictError       a transaction was cancelled (.reasons, in the caller's order)
        TableMismatchError             a table exists and differs from its definition (.differences)
        JobStateError                  a job is not in a state that allows this (.job_id, .state)
          LeaseLostError               another holds the job now, or nobody does: what was asked was refused
          CancelRequestedError         somebody asked for the job to be cancelled; its holder should stop
        OnceInProgressError            another is at work on this key just now (.until)
        LockHeldError                  another holds the lock (.name, .owner, .since, .token)
        LockLostError                  the lock is no longer held under this token (.name, .token)
        ChangeStoppedError             a person must say what is so of a change first (.change_id, .state)
          ChangeDriftError             a change that was made is declared differently now
      ChangeFailedError                the function of a change raised; that is the cause (.change_id, .state)
      CorruptItemError                 stored data does not fit its entity (.problems)
        UnknownEntityTypeError         an item whose type nobody declared
        WrongEntityTypeError           an item of another type at this key
        PoisonRecordError              a record of a stream that cannot be read
        TamperError                    a chain of events is not as its blocks left it (.chain)
          ChainForkedError             two blocks follow the same one, or the head was set back (.number)
      StoreError                       AWS or the network (.code, .retryable)
        ThrottledError                 too many requests or units
        TimeoutError                   no answer in time; the outcome of a write is unknown
        AccessDeniedError              credentials or permissions
        TableMissingError              no such table or index
        ContentionError                others kept changing the same items until the tries ran out
        UnprocessedItemsError          parts of a batch were not taken until the tries ran out
      ObjectStoreError                 S3 failed, or has not what an item points to (.key)
      EngineUnavailableError           no local engine could be started (.tried)

Structured facts are keyword fields; messages name keys and attributes, never the contents of an item.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self


def _rebuild(kind: "type[AircraftOpsDataError]", message: str, fields: dict[str, Any]) -> "AircraftOpsDataError":
    return kind(message, **fields)


class AircraftOpsDataError(Exception):
    """The base of every error this library raises. Picklable; the message is the first argument."""

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        for name in fields:
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no field {name!r}")
        self.message = message
        self.fields = fields
        self.__dict__.update(fields)

    def __reduce__(self) -> Any:
        """Rebuild from message and fields, which is all an error holds."""
        return _rebuild, (type(self), self.message, self.fields)

    def with_fields(self, **fields: Any) -> Self:
        """The same error knowing more; the cause is kept."""
        known = type(self)(self.message, **{**self.fields, **fields})
        known.__cause__ = self.__cause__
        return known


class DefinitionError(AircraftOpsDataError):
    """A table, key template or entity that cannot work; raised where it is declared."""

    entities: tuple[str, ...] = ()


class NoHandlerError(DefinitionError):
    """A worker claimed a job of a kind nobody told it how to handle; the attempt has failed."""

    kind: str = ""


class MissingExtraError(AircraftOpsDataError, ImportError):
    """An optional dependency is not installed; the message names the command that installs it."""

    extra: str = ""


class InvalidInputError(AircraftOpsDataError, ValueError):
    """An argument that cannot be used; nothing was sent."""


class InvalidKeyError(InvalidInputError):
    """A key component that is missing, of the wrong kind, or makes the key too long."""

    component: str | None = None


class InvalidCursorError(InvalidInputError):
    """A cursor that is damaged, forged, or belongs to another table, index or query."""


class InvalidValueError(InvalidInputError):
    """A value that DynamoDB cannot hold, or that a field of the entity refuses."""

    problems: tuple[str, ...] = ()


class InvalidMessageError(InvalidInputError):
    """A message from a queue that does not say which job it tells of."""


class UnknownEventError(InvalidInputError):
    """An event that is none of those stream records come in. A bad record in a good one is a Poison instead."""


class UnsupportedAlgorithmError(InvalidInputError):
    """A hash algorithm that audit chains do not have, or that a later version of this library has."""

    algorithm: str = ""


class ItemTooLargeError(InvalidInputError):
    """An item over DynamoDB's limit of 400 KB, or a part of one over what it may take."""

    size_bytes: int = 0
    limit_bytes: int = 0


class SecretFoundError(InvalidInputError):
    """What looks like secrets, where none may be; `places` says where, never what they are."""

    kinds: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


class RequestRefusedError(InvalidInputError):
    """The engine refused the request as invalid; nothing was changed."""

    operation: str = ""
    code: str = ""


class NotFoundError(AircraftOpsDataError, LookupError):
    """There is no item with this identity (or it has expired)."""

    entity: str = ""
    identity: Mapping[str, Any] = {}


class NotUniqueError(AircraftOpsDataError, LookupError):
    """One item was expected and several matched."""

    entity: str = ""


class ConflictError(AircraftOpsDataError):
    """A condition said no: the stored state is not the one the caller assumed."""

    existing: Any = None


class AlreadyExistsError(ConflictError):
    """`create` found an item with this identity; `existing` is that item."""


class VersionConflictError(ConflictError):
    """The stored version is not the expected one; `existing` is the item as it is now."""

    expected: int | None = None
    found: int | None = None


class ConditionFailedError(ConflictError):
    """The caller's own condition does not hold; `existing` is the item it was checked against."""

    raw: Mapping[str, Any] | None = None


class UniqueConflictError(ConflictError):
    """Another item holds this unique value; `holder` is that item's primary key."""

    entity: str = ""
    constraint: tuple[str, ...] = ()
    holder: Mapping[str, Any] = {}


class TransactionConflictError(ConflictError):
    """A transaction was cancelled as a whole; `reasons` has one entry an action, in the caller's order."""

    reasons: Sequence[Any] = ()


class TableMismatchError(ConflictError):
    """A table exists and differs from its definition; nothing was changed."""

    table: str = ""
    differences: tuple[str, ...] = ()


class JobStateError(ConflictError):
    """The job is not in a state that allows this; nothing was changed."""

    job_id: str = ""
    state: str = ""


class LeaseLostError(JobStateError):
    """The lease ran out and was given on, or the work has ended otherwise; a late holder can change nothing."""

    token: int = 0


class CancelRequestedError(JobStateError):
    """Somebody asked for the job to be cancelled while it runs; its holder should stop."""


class OnceInProgressError(ConflictError):
    """Another is at work on this key; `until` is when its lease ends unless it is renewed."""

    until: Any = None


class LockHeldError(ConflictError):
    """Another holds the lock: `owner`, by its own clock since `since`, under `token`."""

    name: str = ""
    owner: str | None = None
    since: Any = None
    token: int = 0


class LockLostError(ConflictError):
    """The lock is no longer held under this token: its lease ran out, or somebody released it by force."""

    name: str = ""
    token: int = 0


class ChangeStoppedError(ConflictError):
    """A change that a person must say something of, before it or any after it is made; `made` were made before it."""

    change_id: str = ""
    state: str = ""
    made: tuple[str, ...] = ()


class ChangeDriftError(ChangeStoppedError):
    """A change that was made has other source or parameters now; nothing was run."""


class ChangeFailedError(AircraftOpsDataError):
    """The function of a change raised, which is the cause; `state` is what is recorded, `made` were made before it."""

    change_id: str = ""
    state: str = ""
    made: tuple[str, ...] = ()


class CorruptItemError(AircraftOpsDataError):
    """A stored item does not fit its entity; `problems` are written `problem @ path`."""

    entity: str = ""
    key: Mapping[str, Any] = {}
    problems: tuple[str, ...] = ()


class UnknownEntityTypeError(CorruptItemError):
    """An item whose entity type is missing or unknown."""

    found: str | None = None


class WrongEntityTypeError(CorruptItemError):
    """An item of another entity type stands where this entity was expected."""

    found: str | None = None


class PoisonRecordError(CorruptItemError):
    """A record of a stream that cannot be read, and so cannot be given to any handler."""


class TamperError(CorruptItemError):
    """A chain of events is not as its blocks left it; `chain.verify` says where."""

    chain: str = ""


class ChainForkedError(TamperError):
    """Block `number` is there though the head of the chain does not know it: nothing more is appended."""

    number: int = 0


class StoreError(AircraftOpsDataError):
    """AWS or the network failed; botocore's error is the cause."""

    operation: str = ""
    code: str = ""
    retryable: bool = False


class ThrottledError(StoreError):
    """The account, table or partition takes no more requests just now."""


class TimeoutError(StoreError, OSError):
    """No answer came in time; whether a write took effect is unknown."""


class AccessDeniedError(StoreError):
    """Credentials are missing, expired or not allowed to do this."""


class TableMissingError(StoreError):
    """The table or index does not exist."""


class ContentionError(StoreError):
    """Other writers kept changing the same items until the tries ran out; nothing was written."""


class UnprocessedItemsError(StoreError):
    """The engine left parts of a batch untaken until the tries ran out; `keys` are those parts."""

    keys: Sequence[Mapping[str, Any]] = ()


class ObjectStoreError(AircraftOpsDataError):
    """S3 or a folder in its place failed, or lacks the object asked for; the cause is botocore's error or Python's."""

    bucket: str = ""
    key: str = ""
    missing: bool = False
    """Whether there is no such object."""


class EngineUnavailableError(AircraftOpsDataError):
    """No local engine could be started; `tried` says what was tried and why each failed."""

    tried: tuple[str, ...] = ()

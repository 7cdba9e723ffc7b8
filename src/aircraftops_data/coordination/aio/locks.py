"""Locks: hold one while a block or a function runs, prove to hold it, and see who holds which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import wraps
from types import TracebackType
from typing import Generic, ParamSpec, TypeVar

from aircraftops_data.coordination.fencing import Fence, Guard, guard, lost
from aircraftops_data.coordination.holding import LOG, Terms, leave_quietly, names_in_order
from aircraftops_data.coordination.locking import Ask, Grip, Sightings, kept, look_at, obtain, released, revoked
from aircraftops_data.coordination.model import LockName, LockOptions, LockToken
from aircraftops_data.core.aio.hands import AsyncHands, Called, Given
from aircraftops_data.core.aio.table import AsyncCoreTable
from aircraftops_data.core.context import Context
from aircraftops_data.core.durations import positive
from aircraftops_data.core.elsewhere import Elsewhere
from aircraftops_data.errors import AircraftOpsDataError, InvalidInputError, LockLostError
from aircraftops_data.model.conditions import FieldPath
from aircraftops_data.model.schema import JOBS
from aircraftops_data.request import Plan

T = TypeVar("T")
H = TypeVar("H")
P = ParamSpec("P")
LEASE = timedelta(seconds=30)
AT_ONCE = timedelta()


class AsyncLock:
    """A lock in hand. It is advisory until what it protects is written with its `fence` or `guard`.

    `token` is higher than that of any holder before; give it along to systems that can compare it.
    """

    def __init__(self, locks: AsyncLocks, name: str, grip: Grip, terms: Terms) -> None:
        self._locks = locks
        self._until = grip.until
        self._proved_at = locks.context.clock.monotonic()
        self._lost = False
        self._leaving = False
        self._released = False
        self.terms = terms
        self.name = name
        self.token = grip.token

    def __repr__(self) -> str:
        return f"<lock {self.name}, token {self.token}>"

    def fence(self) -> Elsewhere[None]:
        """That this lock is still held, for a transaction to carry: `tx.add(lock.fence())`. 2 write units.

        The transaction fails as a whole, with LockLostError among its reasons, once another has the lock.
        """
        return Elsewhere(Fence(self.name, self.token), self._locks.context.names)

    def guard(self, field: FieldPath) -> Guard:
        """For one write outside a transaction: `core.update(..., set={**g.set}, where=g.where)` with the guard `g`.

        The item keeps the highest token that wrote it in this field, an int or None. ConditionFailedError is what a
        late holder gets once a later one has written there.
        """
        return guard(field, self.token)

    def check(self) -> None:
        """Stop a holder that should: LockLostError once the lease is over by this process's own clock.

        Sends nothing. With `prove`, this is also the proof that the holder gets on.
        """
        now = self._locks.context.clock.monotonic()
        self._proved_at = now
        if self._lost or self._leaving or now >= self._until:
            raise lost(self.name, self.token)

    async def heartbeat(self) -> None:
        """Renew the lease from now; `hold` does it in the background. 1 write unit. Raises LockLostError."""
        sent = self._locks.context.clock.monotonic()
        try:
            await self._locks.run(kept(self.name, self.token, self._locks.context))
        except LockLostError:
            self._lost = True
            raise
        self._until = max(self._until, sent + self.terms.lease.total_seconds())

    async def release(self) -> None:
        """Give it back; said again it changes nothing. 1 write unit. Raises LockLostError.

        From here on `check` refuses, also where nobody knows what became of the request.
        """
        if self._released:
            return
        self._leaving = True
        await self._locks.run(released(self.name, self.token, self._locks.context))
        self._released = True

    async def beat(self) -> None:
        """One round in the background: renew the lease, unless the holder has not proved to get on."""
        prove, now = self.terms.prove, self._locks.context.clock.monotonic()
        stalled = prove is not None and now - self._proved_at >= prove.total_seconds()
        if self._lost or self._leaving or stalled:
            return
        try:
            await self.heartbeat()
        except LockLostError:
            LOG.warning("The lock was lost: %r", self)
        except AircraftOpsDataError as error:
            LOG.warning("The lease of a lock could not be renewed: %r", self, exc_info=error)


class _Holding(Generic[H]):
    """Locks held while a block or a function runs, their leases kept in the background."""

    def __init__(self, locks: AsyncLocks, names: tuple[str, ...], terms: Terms) -> None:
        self._locks = locks
        self._names = names
        self._terms = terms
        self._held: list[AsyncLock] = []
        self._hands: AsyncHands | None = None

    def _given(self, held: list[AsyncLock]) -> H:
        raise NotImplementedError

    async def __aenter__(self) -> H:
        if self._hands is not None:
            raise InvalidInputError("This is held already; locks are not reentrant")
        self._hands = AsyncHands()
        until = self._locks.context.clock.monotonic() + self._terms.wait.total_seconds()
        try:
            await self._hands.__aenter__()
            self._hands.every(self._terms.lease.total_seconds() / 3, self._beat)
            for name in self._names:
                self._held.append(await self._locks.obtained(name, self._terms, until))
        except BaseException as error:
            await self._leave(error)
            raise
        return self._given(self._held)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave(error)

    def __call__(self, work: Given[H, P, T]) -> Called[P, T]:
        """Decorate a function: whenever it is called it holds the lock, which it is given before its arguments."""

        @wraps(work)
        async def holding(*given: P.args, **named: P.kwargs) -> T:
            async with type(self)(self._locks, self._names, self._terms) as held:
                return await work(held, *given, **named)

        return holding

    async def _beat(self) -> None:
        for lock in tuple(self._held):
            await lock.beat()

    async def _leave(self, error: BaseException | None) -> None:
        """Give all back, the last first. What goes wrong is raised, or noted where the block raised something."""
        hands, held = self._hands, self._held[::-1]
        self._hands, self._held = None, []
        if hands is not None:
            await hands.__aexit__(None, None, None)
        failures: list[AircraftOpsDataError] = []
        for lock in held:
            try:
                await lock.release()
            except AircraftOpsDataError as failure:
                failures.append(failure)
        leave_quietly(failures, error)


class AsyncHold(_Holding[AsyncLock]):
    """One lock, held while a block or a function runs."""

    def _given(self, held: list[AsyncLock]) -> AsyncLock:
        return held[0]


class AsyncHoldAll(_Holding[Mapping[str, AsyncLock]]):
    """Several locks, held together while a block or a function runs."""

    def _given(self, held: list[AsyncLock]) -> Mapping[str, AsyncLock]:
        return {lock.name: lock for lock in held}


class AsyncLocks:
    """Locks in JobsTable, or in a table of this name. Safe to share between tasks; a lock belongs to one holder.

    Not reentrant, and no locks for readers. A holder that died is followed by who watched its lock for its lease and
    the margin of the options: `wait` for longer than that, or ask again later in the same process.
    """

    def __init__(self, core: AsyncCoreTable, *, table: str | None = None, options: LockOptions | None = None) -> None:
        self._sightings = Sightings()
        self.core = core if table is None else core.renamed({JOBS.name: table})
        self.options = options or LockOptions()

    @property
    def context(self) -> Context:
        """Names, clock, chance and retry policy."""
        return self.core.context

    async def run(self, plan: Plan[T]) -> T:
        """What a plan comes to."""
        return await self.core.runner.run(plan)

    def hold(
        self,
        name: str,
        *,
        lease: timedelta = LEASE,
        wait: timedelta = AT_ONCE,
        prove: timedelta | None = None,
        owner: str | None = None,
    ) -> AsyncHold:
        """Hold a lock: `async with locks.hold(name) as lock`, or `@locks.hold(name)` over a function of the lock.

        A heartbeat in the background renews the lease every third of it. With `prove` it stops once `lock.check()`
        was not called for so long. 2 write units, 1 more for each heartbeat; 1 read unit for each look. Raises
        LockHeldError after `wait`, and LockLostError at the end of a block during which the lock was lost.
        """
        return AsyncHold(self, names_in_order([name]), self._terms(lease, wait, prove, owner))

    def hold_all(
        self,
        names: Iterable[str],
        *,
        lease: timedelta = LEASE,
        wait: timedelta = AT_ONCE,
        prove: timedelta | None = None,
        owner: str | None = None,
    ) -> AsyncHoldAll:
        """Hold several locks, or none: they are taken in the order of their names, so that no two wait for each other.

        The block gets them by name. All else is as with `hold`.
        """
        return AsyncHoldAll(self, names_in_order(names), self._terms(lease, wait, prove, owner))

    async def acquire(
        self, name: str, *, lease: timedelta = LEASE, wait: timedelta = AT_ONCE, owner: str | None = None
    ) -> AsyncLock:
        """Take a lock that is kept and given back by hand. Raises LockHeldError, StoreError."""
        until = self.context.clock.monotonic() + wait.total_seconds()
        return await self.obtained(name, self._terms(lease, wait, None, owner), until)

    async def obtained(self, name: str, terms: Terms, until: float) -> AsyncLock:
        """A lock taken on these terms before the time is up."""
        ask = Ask(name, terms.owner, terms.lease, self.context.chance.identifier(128), until)
        grip = await self.run(obtain(ask, self._sightings, self.options, self.context))
        return AsyncLock(self, name, grip, terms)

    def _terms(self, lease: timedelta, wait: timedelta, prove: timedelta | None, owner: str | None) -> Terms:
        if prove is not None:
            positive(prove, "The time to prove something in")
        return Terms.of(positive(lease, "A lease"), wait, prove, owner)

    # Looking

    async def get(self, name: str) -> LockToken:
        """A lock as it is: its token, and who has it. 1 read unit. Raises NotFoundError where it never was."""
        lock, _ = await self.run(look_at(name, self.context))
        return lock

    async def all(self) -> list[LockToken]:
        """Every lock there ever was, by name. 1 read unit per lock, and 1 per 4 KB of names."""
        names = [{"name": entry.name} async for entry in self.core.query(LockName.primary()).consistent()]
        found = await self.core.get_many(LockToken, names, consistent=True).all()
        return [lock for lock in found if lock is not None]

    async def release(self, name: str, token: int) -> None:
        """Take a lock away from who holds it under this token, which is the one seen. 4 write units.

        What its holder still writes with its fence is refused, and so are its heartbeats. Raises LockLostError where
        the lock is not held under this token.
        """
        await self.run(revoked(name, token, self.context))

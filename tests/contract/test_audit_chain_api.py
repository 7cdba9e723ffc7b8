"""Chains as they are used: appending from threads, tasks and transactions, receipts, settling, erasing, verifying."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import repeat
from threading import Barrier
from typing import Any

import pytest

from aircraftops_data import AUDIT_EVENTS, CoreTable
from aircraftops_data.audit import Audit, AuditEvent, FindingKind, Receipt
from aircraftops_data.audit.block import Block
from aircraftops_data.errors import (
    AlreadyExistsError,
    InvalidInputError,
    InvalidKeyError,
    NotFoundError,
    StoreError,
    UnsupportedAlgorithmError,
)
from aircraftops_data.testing import ManualClock
from audit_over import AT, asked, audit_over, everywhere, on_local
from blocking import Blocking, waited
from conftest import Connect
from faults import FAULTS, At

LATER = timedelta(minutes=2)
THREADED = pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=pytest.mark.slow) for name in ("local", "local-direct")], indirect=True
)
TASKS = pytest.mark.parametrize("engine", [pytest.param("local-async", marks=pytest.mark.slow)], indirect=True)


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A fresh AuditEventsTable."""
    return connect(AUDIT_EVENTS, clock=clock)


@pytest.fixture
def audit(core: CoreTable) -> Audit:
    """Its events."""
    return audit_over(core)


def events(audit: Audit, count: int, **more: Any) -> list[AuditEvent]:
    """So many events of a few resources."""
    return [audit.event(**asked(resource=f"r{number % 3}", details={"n": number}) | more) for number in range(count)]


def blocks(audit: Audit, chain: str) -> list[int]:
    """How many events each block of a chain has."""
    return [len(block.entries) for block in audit.core.query(Block.primary(chain=chain)).consistent()]


@everywhere
def test_receipts_count_the_events_of_a_chain_in_the_order_they_were_given(audit: Audit) -> None:
    chain, given = audit.chain("acme"), events(audit, 7)
    first, then = chain.append(given[:5]), chain.append(given[5:])
    assert [(r.event_id, r.resource, r.seq, r.block) for r in first + then] == [
        (event.id, event.resource, seq, 1 if seq < 6 else 2) for seq, event in enumerate(given, 1)
    ]
    assert [chain.receipt(event) for event in given] == first + then
    assert chain.append([]) == []
    assert audit.by_tenant("acme").count() == 7
    assert {(event.chain, event.after_block) for event in audit.by_tenant("acme")} == {("acme", 0), ("acme", 1)}
    report = chain.verify()
    assert (report.ok, report.checked, report.blocks, report.until_seq) == (True, 7, 2, 7)


@everywhere
def test_an_event_is_in_a_chain_once_however_often_it_is_said(core: CoreTable, audit: Audit) -> None:
    chain, (one, two) = audit.chain("acme"), events(audit, 2)
    audit.record(two)
    first = chain.append([one, one, two])
    assert [receipt.seq for receipt in first] == [1, 1, 2]
    assert chain.append([two, one]) == [first[2], first[0]]
    assert audit_over(core).chain("acme").append([one]) == first[:1]
    assert (blocks(audit, "acme"), chain.verify().ok) == ([2], True)


@everywhere
def test_an_event_that_fails_fails_alone_and_the_others_are_in(audit: Audit) -> None:
    chain, (one, two) = audit.chain("acme"), events(audit, 2)
    chain.append([one])
    with pytest.raises(AlreadyExistsError):
        chain.append([two, one.model_copy(update={"actor": "user:bo"})])
    assert chain.receipt(two).seq == 2
    with pytest.raises(InvalidInputError):
        chain.append([audit.event(**asked(tenant="other"))])
    with pytest.raises(NotFoundError):
        chain.receipt(audit.event(**asked()))
    assert chain.verify().counts[FindingKind.OK] == 2


@on_local
def test_chains_and_tenants_are_kept_apart(audit: Audit) -> None:
    for name, tenant in (("acme", "acme"), ("flights/acme", "acme"), ("a/b/acme", "acme"), ("#", "#"), ("é", "é")):
        (receipt,) = audit.chain(name).append([audit.event(**asked(tenant=tenant))])
        assert (receipt.chain, receipt.seq) == (name, 1)
    for name in ("acme", "flights/acme", "a/b/acme", "#", "é"):
        report = audit.chain(name).verify()
        assert (report.ok, report.checked, report.counts[FindingKind.UNCOMMITTED]) == (True, 1, 0)
    with pytest.raises(InvalidInputError):
        audit.chain("flights/acme").append([audit.event(**asked(tenant="flights"))])
    with pytest.raises(InvalidKeyError):
        audit.chain("x" * 300 + "/acme").append([audit.event(**asked())])


@on_local
def test_a_chain_of_nothing_is_clean(audit: Audit) -> None:
    chain = audit.chain("acme")
    report = chain.verify()
    assert (report.ok, report.checked, chain.uncommitted(), chain.settle()) == (True, 0, [], [])
    for span in ({"since_seq": 1}, {"until_seq": 0}, {"since_seq": 3, "until_seq": 2}):
        if span == {"since_seq": 1}:
            assert chain.verify(**span).ok
            continue
        with pytest.raises(InvalidInputError):
            chain.verify(**span)


@on_local
def test_events_of_transactions_are_taken_in_by_settling(core: CoreTable, audit: Audit, clock: ManualClock) -> None:
    chain, before, after = audit.chain("acme"), *events(audit, 2)
    chain.append([before])
    with core.transaction() as transaction:
        transaction.add(chain.action(after))
    assert chain.uncommitted() == chain.settle() == []
    clock.advance(LATER)
    assert [event.id for event in chain.uncommitted()] == [after.id]
    report = chain.verify()
    assert (report.ok, report.counts[FindingKind.UNCOMMITTED]) == (True, 1)
    assert [(receipt.event_id, receipt.seq) for receipt in chain.settle()] == [(after.id, 2)]
    assert chain.uncommitted() == chain.settle() == []
    assert chain.verify().counts == Counter({FindingKind.OK: 2, FindingKind.UNANCHORED_TAIL: 1})


@on_local
def test_an_event_is_erased_and_the_chain_says_so(audit: Audit) -> None:
    chain, (event, other) = audit.chain("acme"), events(audit, 2)
    chain.append([event, other])
    told = chain.erase(event, actor="dpo", reason="article 17")
    with pytest.raises(NotFoundError):
        audit.get(event.resource, event.id)
    said = audit.get(told.resource, told.event_id)
    assert (said.action, said.actor, said.details["event_id"], said.details["reason"], said.expires_at) == (
        "audit.erase",
        "dpo",
        event.id,
        "article 17",
        None,
    )
    report = chain.verify()
    assert (report.ok, report.counts[FindingKind.ERASED]) == (True, 1)
    with pytest.raises(NotFoundError):
        chain.erase(audit.event(**asked()), actor="dpo", reason="never there")
    assert chain.verify(since_seq=2, until_seq=3).ok


@on_local
def test_every_event_goes_into_the_chain_of_its_tenant_where_the_options_say_so(
    core: CoreTable, clock: ManualClock
) -> None:
    audit = audit_over(core, hash_chain=True)
    for tenant in ("acme", "other", "acme"):
        audit.record(**asked(tenant=tenant))
    with core.transaction() as transaction:
        transaction.add(audit.action(audit.event(**asked())))
    clock.advance(LATER)
    assert [receipt.seq for receipt in audit.chain("acme").settle()] == [3]
    assert (audit.chain("acme").verify().checked, audit.chain("other").verify().checked) == (3, 1)
    event = audit.record(**asked(occurred_at=AT, key="k"))
    audit.record(**asked(occurred_at=AT, key="k"))
    with pytest.raises(AlreadyExistsError):
        audit.record(**asked(occurred_at=AT, key="k", actor="user:bo"))
    assert audit.chain("acme").receipt(event).seq == 4


@pytest.mark.parametrize("algorithm", ["sha512", "sha3_256", "blake2b"])
@on_local
def test_blocks_of_every_algorithm_follow_one_another(core: CoreTable, algorithm: str) -> None:
    audit = audit_over(core)
    audit.chain("acme").append(events(audit, 3))
    audit_over(core, algorithm=algorithm).chain("acme").append(events(audit, 2))
    audit.chain("acme").append(events(audit, 1))
    assert audit.chain("acme").verify().counts[FindingKind.OK] == 6
    with pytest.raises(UnsupportedAlgorithmError):
        audit_over(core, algorithm="md5")


@pytest.mark.parametrize("name", FAULTS)
@on_local
def test_whatever_befalls_an_append_it_is_there_once_it_was_said_again(core: CoreTable, name: str) -> None:
    fault, times, _ = FAULTS[name]
    audit = audit_over(core)
    chain, added = audit.chain("acme"), 0
    for place in range(6):
        transport = At(core.runner.transport)
        other = audit_over(type(core)(transport, core.context), deadline=timedelta(seconds=2))
        given = events(other, 2, action=f"a{place}")
        transport.plan(_of_transactions(fault) if "cancelled" in name else fault, place, times)
        receipts = _until_said(other, given, transport)
        added += 2
        assert sorted(receipt.event_id for receipt in receipts) == sorted(event.id for event in given)
        assert [chain.receipt(event) for event in given] == receipts
    assert chain.verify().counts[FindingKind.OK] == added


def _of_transactions(fault: Any) -> Any:
    return lambda request, send: (fault if "TransactItems" in request.parameters else _passing)(request, send)


def _passing(request: Any, send: Any) -> Any:
    return send(request)


def _until_said(audit: Audit, given: list[AuditEvent], transport: At) -> list[Receipt]:
    try:
        return audit.chain("acme").append(given)
    except StoreError as error:
        assert error.retryable
        transport.plan(_passing, -1, 0)
        return audit.chain("acme").append(given)


@THREADED
def test_threads_append_together_in_few_blocks(core: CoreTable) -> None:
    audit = audit_over(core, concurrency=4, group=25)
    chain, given = audit.chain("acme"), events(audit, 120)
    bad = given[0].model_copy(update={"actor": "user:bo"})
    chain.append(given[:1])

    def one(event: AuditEvent, together: Barrier) -> Receipt | AlreadyExistsError:
        together.wait()
        try:
            return chain.append([event])[0]
        except AlreadyExistsError as error:
            return error

    calls = [*given[1:60], bad, *given[60:], bad]
    outcomes: list[Receipt | AlreadyExistsError] = []
    with ThreadPoolExecutor(16) as pool:
        # They come at once, however busy the machine is.
        for some in (calls[at : at + 16] for at in range(0, len(calls), 16)):
            outcomes += pool.map(one, some, repeat(Barrier(len(some))))
    receipts = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
    assert sorted(receipt.seq for receipt in receipts) == list(range(2, 121))
    assert len(outcomes) - len(receipts) == 2
    assert len(blocks(audit, "acme")) < 60
    assert max(blocks(audit, "acme")) <= 25
    assert chain.verify().counts[FindingKind.OK] == 120


@THREADED
def test_processes_that_append_side_by_side_make_one_chain(core: CoreTable) -> None:
    audits = [audit_over(core, concurrency=2) for _ in range(4)]
    given = [events(audit, 30) for audit in audits]

    def all_of(place: int) -> list[Receipt]:
        chain = audits[place].chain("acme")
        return [chain.append([event])[0] for event in given[place]]

    with ThreadPoolExecutor(4) as pool:
        receipts = [receipt for part in pool.map(all_of, range(4)) for receipt in part]
    assert sorted(receipt.seq for receipt in receipts) == list(range(1, 121))
    assert audits[0].chain("acme").verify().counts[FindingKind.OK] == 120


@TASKS
def test_tasks_append_together_and_those_cancelled_leave_the_others_alone(core: CoreTable) -> None:
    audit: Any = audit_over(core, concurrency=4, group=20)
    assert isinstance(audit, Blocking)
    given = events(audit, 90)

    async def scenario() -> list[Any]:
        chain = audit._inner.chain("acme")
        tasks = [asyncio.create_task(chain.append([event])) for event in given]
        for step, task in enumerate(tasks[::3]):
            await asyncio.sleep(0.001 * (step % 3))
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    outcomes = waited(scenario())
    said = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(said) >= 60
    assert {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)} <= {asyncio.CancelledError}
    seqs = [receipt.seq for (receipt,) in said]
    assert len(set(seqs)) == len(seqs)
    chain = audit.chain("acme")
    # Said again, those that were cancelled are in as well, each once.
    receipts = chain.append(given)
    assert sorted(receipt.seq for receipt in receipts) == list(range(1, 91))
    assert chain.verify().counts[FindingKind.OK] == 90

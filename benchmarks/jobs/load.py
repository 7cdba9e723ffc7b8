"""A process of a load: it connects, waits for the word, does its work for some seconds, and tells what it did."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, process_time, sleep
from typing import Any
from uuid import uuid4

from pydantic import BaseModel

from aircraftops_data import AircraftOps, AsyncAircraftOps, metered
from aircraftops_data.jobs import Jobs
from aircraftops_data.jobs.aio.jobs import AsyncJobs
from aircraftops_data.model.schema import JOBS
from aircraftops_data.request import Request
from aircraftops_data.testing import local_session
from benchmarks.jobs.results import Crew, Done, Work
from benchmarks.processes import wait_for_the_word

PAUSE = 0.005
"""Seconds a hand waits when there is nothing to claim."""
_PAYLOAD = {"airframe": "N172AB", "check": "A"}


class Order(BaseModel):
    """What a process is to do."""

    endpoint: str
    prefix: str
    queue: str
    crew: Crew
    work: Work
    seconds: float


def carry_out(order: Order) -> Done:
    """Do it. Says that it is ready on stdout, and begins when a line comes in on stdin."""
    return asyncio.run(_in_tasks(order)) if order.crew.client == "asyncio" else _in_threads(order)


def _chosen(order: Order, hand: int, plain: Any, enqueue: Any, claim: Any) -> Any:
    """What a hand does; where both are done, the even ones ask for jobs and the others claim and complete them."""
    work = order.work if order.work != "both" else ("enqueue", "claim")[hand % 2]
    return {"plain": plain, "enqueue": enqueue, "claim": claim}[work]


def _plain(table: str) -> Request:
    """A ready-made transaction of two puts about as large as a job and its ticket: what the engine can do at best."""
    token = uuid4().hex
    keys = ({"PK": {"S": f"{kind}#{token}"}, "SK": {"S": kind}} for kind in ("JOB", "TICKET"))
    puts = [{"Put": {"TableName": table, "Item": {**key, "text": {"S": "x" * 300}}}} for key in keys]
    return Request("TransactWriteItems", {"TransactItems": puts, "ClientRequestToken": token})


def _where(order: Order) -> dict[str, Any]:
    return {"session": local_session(), "endpoint_url": order.endpoint, "prefix": order.prefix}


# Threads


def _in_threads(order: Order) -> Done:
    crew = order.crew
    assert crew.client != "asyncio"
    with AircraftOps.connect(transport=crew.client, **_where(order)) as ops, ThreadPoolExecutor(crew.hands) as pool:
        ops.jobs.claim("warm up", worker="nobody")
        wait_for_the_word()
        until, cpu = monotonic() + order.seconds, process_time()
        each = pool.map(lambda hand: _thread(ops.jobs, order, hand, until), range(crew.hands))
        return sum(each, Done()) + Done(cpu=process_time() - cpu)


def _thread(jobs: Jobs, order: Order, hand: int, until: float) -> Done:
    work = _chosen(order, hand, _sending, _enqueuing, _completing)
    with metered() as meter:
        done: Done = work(jobs, order, until)
    return done + Done(requests=meter.consumed.requests)


def _sending(jobs: Jobs, _: Order, until: float) -> Done:
    done, table = Done(), jobs.context.names[JOBS]
    while monotonic() < until:
        jobs.core.runner.transport.send(_plain(table))
        done.requests += 1
    return done


def _enqueuing(jobs: Jobs, order: Order, until: float) -> Done:
    done = Done()
    while monotonic() < until:
        jobs.enqueue("check", _PAYLOAD, queue=order.queue)
        done.enqueued += 1
    return done


def _completing(jobs: Jobs, order: Order, until: float) -> Done:
    claimer, done = jobs.claimer("a thread"), Done()
    while monotonic() < until:
        claims = jobs.claims(claimer, order.queue, count=order.crew.at_once)
        for claim in claims:
            claim.complete()
            done.completed += 1
        if not claims:
            sleep(PAUSE)
    return done


# Tasks


async def _in_tasks(order: Order) -> Done:
    async with AsyncAircraftOps.connect(**_where(order)) as ops:
        await ops.jobs.claim("warm up", worker="nobody")
        wait_for_the_word()
        until, cpu = monotonic() + order.seconds, process_time()
        each = await asyncio.gather(*(_task(ops.jobs, order, hand, until) for hand in range(order.crew.hands)))
        return sum(each, Done()) + Done(cpu=process_time() - cpu)


async def _task(jobs: AsyncJobs, order: Order, hand: int, until: float) -> Done:
    work = _chosen(order, hand, _sending_async, _enqueuing_async, _completing_async)
    with metered() as meter:
        done: Done = await work(jobs, order, until)
    return done + Done(requests=meter.consumed.requests)


async def _sending_async(jobs: AsyncJobs, _: Order, until: float) -> Done:
    done, table = Done(), jobs.context.names[JOBS]
    while monotonic() < until:
        await jobs.core.runner.transport.send(_plain(table))
        done.requests += 1
    return done


async def _enqueuing_async(jobs: AsyncJobs, order: Order, until: float) -> Done:
    done = Done()
    while monotonic() < until:
        await jobs.enqueue("check", _PAYLOAD, queue=order.queue)
        done.enqueued += 1
    return done


async def _completing_async(jobs: AsyncJobs, order: Order, until: float) -> Done:
    claimer, done = jobs.claimer("a task"), Done()
    while monotonic() < until:
        claims = await jobs.claims(claimer, order.queue, count=order.crew.at_once)
        await asyncio.gather(*(claim.complete() for claim in claims))
        done.completed += len(claims)
        if not claims:
            await asyncio.sleep(PAUSE)
    return done

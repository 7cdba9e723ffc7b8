"""Durable jobs: asked for in a transaction, claimed under a lease, fenced, retried, joined into workflows."""

from aircraftops_data.jobs.asking import How
from aircraftops_data.jobs.claim import Claim
from aircraftops_data.jobs.enqueueing import After, Enqueued
from aircraftops_data.jobs.health import HealthLimits, HealthWarning, PartitionHealth, QueueHealth
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.jobs.looking import Redriven
from aircraftops_data.jobs.model import (
    DeadJob,
    Failure,
    Job,
    LeaseLoss,
    Limit,
    OnFailure,
    Priority,
    Progress,
    Queue,
    Ticket,
    UniqueUntil,
)
from aircraftops_data.jobs.once import Once, OnceState
from aircraftops_data.jobs.options import JobOptions, Kind
from aircraftops_data.jobs.push import SqsQueue
from aircraftops_data.jobs.schedules import Misfire, Repeating, Schedule
from aircraftops_data.jobs.states import JobState
from aircraftops_data.jobs.turn import Turn
from aircraftops_data.jobs.worker import Worker
from aircraftops_data.jobs.working import Hooks, Poll, Snooze

__all__ = [
    "After",
    "Claim",
    "DeadJob",
    "Enqueued",
    "Failure",
    "HealthLimits",
    "HealthWarning",
    "Hooks",
    "How",
    "Job",
    "JobOptions",
    "JobState",
    "Jobs",
    "Kind",
    "LeaseLoss",
    "Limit",
    "Misfire",
    "OnFailure",
    "Once",
    "OnceState",
    "PartitionHealth",
    "Poll",
    "Priority",
    "Progress",
    "Queue",
    "QueueHealth",
    "Redriven",
    "Repeating",
    "Schedule",
    "Snooze",
    "SqsQueue",
    "Ticket",
    "Turn",
    "UniqueUntil",
    "Worker",
]

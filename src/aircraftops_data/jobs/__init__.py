"""Durable jobs: asked for in a transaction, claimed under a lease, fenced, retried, joined into workflows."""

from aircraftops_data.jobs.asking import How
from aircraftops_data.jobs.claim import Claim
from aircraftops_data.jobs.enqueueing import After, Enqueued
from aircraftops_data.jobs.health import HealthLimits, HealthWarning, PartitionMeasure, QueueHealth
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
from aircraftops_data.jobs.options import JobOptions, Kind
from aircraftops_data.jobs.states import JobState

__all__ = [
    "After",
    "Claim",
    "DeadJob",
    "Enqueued",
    "Failure",
    "HealthLimits",
    "HealthWarning",
    "How",
    "Job",
    "JobOptions",
    "JobState",
    "Jobs",
    "Kind",
    "LeaseLoss",
    "Limit",
    "OnFailure",
    "PartitionMeasure",
    "Priority",
    "Progress",
    "Queue",
    "QueueHealth",
    "Redriven",
    "Ticket",
    "UniqueUntil",
]

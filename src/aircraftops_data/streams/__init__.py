"""What comes out of a table's stream, as changes of entities. Importing this loads neither boto3 nor pynamodb."""

from aircraftops_data.streams.change import Cause, Change, Operation, Poison, PoisonKind, Record
from aircraftops_data.streams.decoding import Decoder, decode

__all__ = ["Cause", "Change", "Decoder", "Operation", "Poison", "PoisonKind", "Record", "decode"]

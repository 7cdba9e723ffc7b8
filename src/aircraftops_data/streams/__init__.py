"""What comes out of a table's stream, as entities. Importing this loads neither boto3 nor pynamodb."""

from aircraftops_data.streams.images import Images

__all__ = ["Images"]

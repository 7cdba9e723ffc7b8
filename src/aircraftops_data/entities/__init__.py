"""The aircraft-operations domain: its value types and entities."""

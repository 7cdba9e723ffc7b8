"""A single-table DynamoDB data layer for aircraft operations."""

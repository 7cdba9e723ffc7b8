"""Repositories: the access patterns of the domain, by name."""

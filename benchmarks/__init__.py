"""Benchmarks: the cost of the client, of this library and of its peers, against a canned server."""

"""Locks and changes: what they cost in request units, how long they take, how soon a lock changes hands."""

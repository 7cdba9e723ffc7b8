"""Reading a table's stream without Lambda: shards, checkpoints under fenced leases, gaps, and a live view."""

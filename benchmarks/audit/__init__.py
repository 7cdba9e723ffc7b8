"""Audit chains: what appending costs and takes, beside links written one by one; hashing, and verifying."""

"""Audit events: what was done, by whom, to what; and chains over them that show what was changed afterwards."""

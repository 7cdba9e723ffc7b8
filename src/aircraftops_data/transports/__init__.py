"""How requests reach an engine."""

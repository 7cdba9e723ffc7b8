"""The demo: real aircraft data into three tables, and back through named access patterns."""

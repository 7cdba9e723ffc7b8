"""What is stored: keys, entities and the tables, as data."""

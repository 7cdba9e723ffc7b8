"""Plans (pure) and the table that runs them."""

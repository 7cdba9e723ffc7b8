"""Where changes go: a queue, a search index, files and streams for analytics."""

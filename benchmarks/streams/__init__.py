"""What reading the records of a stream takes, beside what others offer."""

"""For tests of your own: an engine in one call, fixtures, a clock to hold."""

"""The job system: what jobs cost in request units, how many go through, how soon they are claimed."""

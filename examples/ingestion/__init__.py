"""Public register files, read as durable jobs: planned in chunks, written in batches, accounted for line by line.

`python -m ingestion` (from `examples/`, or `make ingest`) starts an embedded DynamoDB, or uses the engine that
--endpoint-url names, and brings eight files of seven formats into CoreTable, dirt and all.

    ingest.plan     looks through the files once: how many lines, and which say again what an earlier one said
    ingest.chunk    reads some hundred lines and writes them, twenty at a time (one job for each chunk)
    ingest.report   waits for all chunks, and balances the accounts

A batch is one transaction: the entities of its lines, the lines in quarantine, and the job's progress under its
fencing token. So a worker may be killed at any moment; whoever claims the job next goes on behind the last batch. What
is written follows from the files alone: no two lines write one item, for the first that names an aircraft, a mark or
an operator has the say. Run it again and it finds its jobs, done or half done, by the contents of the files.

Every line ends in one of three ways, and they add up: stored; unchanged, where an earlier line said the same; or in
quarantine, with typed reasons that never repeat what the line held.

    lines.py        bytes to lines and cells (pure)
    cells.py        cells to values, nulls of all spellings, reasons collected (pure)
    formats.py      what each file's lines say, as entities (pure)
    judging.py      what becomes of each line (pure)
    quarantine.py   reasons, and the entity that keeps them
    files.py        reading the files
    work.py         the three kinds of job
    running.py      the worker
    showing.py      what the terminal shows
"""

"""`python -m aircraftops_data`: the command line."""

from aircraftops_data.cli import main

main()

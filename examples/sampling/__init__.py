"""How the sample in examples/data is cut out of the public files it comes from; `build_sample.py` is the command."""

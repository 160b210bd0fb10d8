"""Hyper-parameter search, except for the running of its trials: spaces, samples, records and results.

Start with `distributions.py` and `space.py` (what is searched), then `study.py` (a space with the data sets
it is tried on) and `study_folder.py` (the records). Nothing here imports Ray: `raydist.distributed.tune` runs
the trials.
"""

"""A search for hyper-parameters, all of it but the running: what is searched, what was tried, what came of it.

Start with `space.py`, which distributions there are; then `study.py`, a space with the data sets it is tried on. A study's folder
is `records.py`. Nothing here knows of Ray: `raydist.distributed` runs the trials.
"""

"""One training run, without a cluster: its configuration, state, epoch, checkpoints and evaluation.

Start with `loop.py`. Nothing here knows Ray; `raydist.distributed` runs the same epoch on many workers.
"""

"""One recipe a paper: its stages, how each refreshes its targets, and the loss it trains with.

`method.py` holds the contract, `registry.py` the names. A stage that several papers begin with is a file of its own.
"""

"""One recipe a paper: its stages, how each refreshes its targets, and the losses it trains with.

`method.py` holds the contract, `registry.py` the names, `common/` what several papers use. Every paper is a
folder with the same files: `method.py` (citation, equations, deviations, hyper-parameters, the method),
`stages.py` (its stages), and files named after its ideas. No paper imports another.
"""

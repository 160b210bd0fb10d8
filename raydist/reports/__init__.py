"""The pages of a run and of a study: each one static HTML file that needs nothing else.

Start with `run_page.py` (scores, curves, ranked lists or clusters of a training) or `study_page.py` (a
hyper-parameter search). Charts are computed in `chart.py`, `curves.py` and `parallel.py`; the HTML is in
templates beside them.
"""

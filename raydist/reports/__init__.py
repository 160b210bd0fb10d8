"""The pages of a run and of a study: each one static HTML file that needs nothing else.

For a run start with `page.py`: scores, curves and ranked lists. It takes plain values (a feature table, a frame reader,
metrics, a summary) and knows no run folder. For a search over hyper-parameters start with `of_study.py`.
"""

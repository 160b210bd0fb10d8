"""The page of a run: scores, curves and ranked lists as one static HTML file that needs nothing else.

Start with `page.py`. It takes plain values (a feature table, a frame reader, metrics, a summary) and knows no run folder.
"""

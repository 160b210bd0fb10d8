"""Retrieval with a table of features: rankings and their metrics, published protocols, checked results."""

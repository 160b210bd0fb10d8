"""The k-reciprocal Jaccard distances as a sparse graph."""

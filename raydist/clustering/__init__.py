"""Which rows belong together: DBSCAN and HDBSCAN on a sparse distance graph, which of their clusters are
reliable, k-means inside each cluster, and how good a clustering is.
"""

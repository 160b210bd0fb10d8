"""Which rows belong together: DBSCAN and HDBSCAN on a sparse distance graph, and how good a clustering is."""

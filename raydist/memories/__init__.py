"""Memories: prototypes of clusters and tracklets, and the verbs that change them in place."""

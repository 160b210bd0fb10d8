"""Who is close to whom: exact nearest neighbours, k-reciprocal sets, and the sparse graph of small Jaccard
distances.

Every function computes some rows from arrays that it is given, so that rows may be spread over shards, blocks
and threads in any way; the bytes of the result are the same.
"""

"""Exact nearest neighbours, one answer for every cut into blocks, shards and threads."""

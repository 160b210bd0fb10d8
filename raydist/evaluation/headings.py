"""How tables and pages name the measures of retrieval."""

from __future__ import annotations

METRICS = {
    "rank1": "Rank-1",
    "rank5": "Rank-5",
    "rank10": "Rank-10",
    "rank20": "Rank-20",
    "map": "mAP",
    "minp": "mINP",
}
"""Metric -> the heading of its column in tables and pages."""

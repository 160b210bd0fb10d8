"""Unsupervised video visible-infrared person re-identification, trained and clustered on Ray."""

__version__ = "0.4.0"

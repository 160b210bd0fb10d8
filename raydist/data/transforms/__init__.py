"""Clips and their augmentation."""

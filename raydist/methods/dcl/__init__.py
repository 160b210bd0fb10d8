"""Dual contrastive learning."""

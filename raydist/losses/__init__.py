"""Losses as pure functions of tensors; they change nothing."""

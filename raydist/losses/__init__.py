"""Losses as pure functions of tensors: they know nothing of ranks, devices, memories' updates or configuration."""

"""The supervised upper bound."""

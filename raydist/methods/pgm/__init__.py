"""Progressive graph matching."""

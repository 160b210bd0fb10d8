"""SDCL, shallow-deep collaborative learning: the method, and its stages before and with shared labels."""

"""The supervised upper bound: the method, and its one stage."""

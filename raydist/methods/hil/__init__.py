"""HIL, hierarchical identity learning: the method, its stages, branches of a feature, memories, labels across."""

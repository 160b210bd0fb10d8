"""HIL, hierarchical identity learning: the branches of a feature, the baseline before it, the hierarchy, and the method."""

"""HIL, hierarchical identity learning: the method, its stages, branches, prototypes, transmission."""

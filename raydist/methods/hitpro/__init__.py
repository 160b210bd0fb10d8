"""HiTPro, hierarchical temporal prototyping: the method, its stage, prototypes, their alignment, the contrast."""

"""HiTPro, hierarchical temporal prototyping: the method, its stage, prototyping, alignment, contrast."""

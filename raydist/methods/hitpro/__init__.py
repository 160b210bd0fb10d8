"""HiTPro, hierarchical temporal prototyping: prototypes of tracklets, their alignment, the contrast with them, and the method."""

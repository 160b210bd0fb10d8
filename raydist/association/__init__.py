"""Which clusters or tracklets of one modality belong to which of the other, and which tracklets one must not push apart."""

"""ADCA: the dual contrast of `raydist.methods.common`, and its stage of cross-modality memory aggregation."""

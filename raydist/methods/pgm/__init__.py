"""PGM, progressive graph matching: the method, and its stage across the modalities."""

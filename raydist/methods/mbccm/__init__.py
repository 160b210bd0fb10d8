"""MBCCM, many-to-many bilateral matching of clusters across the modalities."""

"""What several papers use: warm-up, dual contrast, clusters, batches, labels and clip views."""

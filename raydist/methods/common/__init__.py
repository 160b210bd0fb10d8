"""What several papers use: warm-up, clusters, dual contrast, batches."""

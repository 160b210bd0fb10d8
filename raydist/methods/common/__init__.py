"""What several papers use: the tracklet warm-up, the dual contrast, clusters, batches, labels and clip views."""

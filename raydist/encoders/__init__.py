"""From clips to unit features: backbones per frame, one or two stems, pooling over space and time, the BN
neck, weights."""

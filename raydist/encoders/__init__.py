"""From clips to unit features: backbone, pooling over space and time, BN neck, published weights."""

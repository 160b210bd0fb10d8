"""BMIL, bias mitigation and invariance learning: clusters of parts of the tracklets, the stages of contrast, the method."""

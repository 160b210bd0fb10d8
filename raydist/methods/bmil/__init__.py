"""BMIL, bias mitigation and invariance learning: the method, its stages, and the clusterings that these need."""

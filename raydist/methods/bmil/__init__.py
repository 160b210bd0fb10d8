"""BMIL, bias mitigation and invariance learning: the method, its stages and their clusterings."""

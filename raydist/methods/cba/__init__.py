"""CBA, causal bootstrapped alignment: the method, its stages, the interventions (CIW) and the refinement (PGUR)."""

"""CBA, causal bootstrapped alignment: the method, its stages, interventions (CIW), refinement (PGUR)."""

"""CBA, causal bootstrapped alignment: the intervention warm-up, the prototype-guided refinement, and the method of both."""

"""DOTLA, dual optimal-transport label assignment: labels, their refinement and the losses across."""

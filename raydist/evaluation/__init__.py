"""How good is a table of features: rankings and their measures, the published protocols, and the checked
result."""

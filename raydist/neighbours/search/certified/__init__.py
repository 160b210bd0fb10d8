"""Certified search: fast products propose neighbours, exact sums rank them, a bound proves lists complete.

From the top: `search` (lists of tables), `plan` (which products, in which order), `sweep` and `device` (all
pairs of two tables), `exhaustive` (exact sums alone). Below them: `tables` and `operands` (rows as they are
searched and multiplied), `products`, `candidates` and `selection` (the scores that are kept), `ranking`
(sorted lists).
"""

"""From an estate with rules and prices to a placement problem, and back to words.

::

    intent, facts, policy ──► World ──► options (columns) ──► Assembly ──► Problem
                                └──── Candidates: what every column means, what was cut and why

Rules are applied before a column exists, so a place that is forbidden costs the solver nothing, and "why
not" is answered from the cut itself.
"""

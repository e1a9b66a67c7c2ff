"""Arrays: one job that runs many times, each time with other parameters.

Each member is a run of its own, handed in as any other is; what is here only says which ones, and when.
"""

"""The counter of a control plane: where work is handed in, and read along with, by those who are on its machine.

A control plane that is up has everything at hand that a command would have to load first: the plan in force, the
planner, open connections to the sites.  So it takes work over a socket of its folder, places it, begins at once, and
sends what the run writes as it comes.

Nothing depends on it.  What it does is what a command does by itself, in the same transactions; whoever finds it
closed, or gets no answer from it, goes the long way, and finds there what was done here.
"""

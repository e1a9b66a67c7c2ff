"""Sites that only pretend: they run each workload for the time it states, in memory, and cost next to nothing.

What is measured with them is the control plane alone.
"""

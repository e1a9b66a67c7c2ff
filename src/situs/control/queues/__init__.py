"""Work that waits for its turn: quotas, borrowing, fair shares, priorities, back-filling and preemption.

``accounts`` counts, ``turns`` decides who is next (both pure, of nothing but numbers), ``ranking`` finds places,
``room`` knows what is free there, and ``desk`` brings them together for the control plane that leads.
"""

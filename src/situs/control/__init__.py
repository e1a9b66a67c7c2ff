"""The control plane: makes an approved plan true at the sites, and keeps it true.

It is level-triggered: it compares what is to be with what is seen and does the next step for each unit, for
ever.  No step is part of a longer story that a crash could cut off in the middle.

What keeps work from running twice is an order of things, not a clock:

* A run is in the database before its site hears of it, and its generation is never used again.
* A unit gets its next run only when the run before is known to be over: its site was told to refuse that
  generation from then on, and only then said that nothing of it runs.
* Whatever is asked of a site is in the database before, in a way that is never taken back.  A control plane
  that was frozen and wakes up long after another took over can only repeat what has been decided for good.

The pure half decides (``wanted``, ``reconcile``, ``outcome``), the other half does (``observe``, ``acts``,
``loop``), and ``orders`` and ``views`` are what people and the API call.
"""

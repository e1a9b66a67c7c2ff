"""Checkpoints of jobs that go on are kept at further sites, so that they outlive the site of the run.

::

    wanting    which copies are due and which are not needed any more: pure
    copying    the files of one checkpoint, from where it was written to a site that it is kept at
    bringing   the checkpoints of one unit: taking down what is new, having it safe, removing it
    keeping    doing that for all units for as long as this control plane leads
    restoring  what a run goes on from whose site is lost
"""

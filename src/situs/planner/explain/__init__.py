"""Why a plan is as it is, and what would have to be different for another one.

::

    Decided ─► explain    why a workload is where it is: costs, what refuses, what binds, what else there is
           ├─► why_not    why it is not at a site, and the smallest change that brings it there
           └─► conflicts  which wishes cannot all be granted, for what was left out
"""

"""Bringing requests to the units of a service that serve, and none to those that are about to end.

::

    wanted, runs ─► fronts (pure) ─► router (a thread) ─► HAProxy
                                        │
                                        └─► what nobody is sent to any more, and may end
"""

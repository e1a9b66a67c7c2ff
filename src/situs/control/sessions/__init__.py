"""Sessions: workloads that keep a terminal where they run, for a person who comes and goes.

A session is placed, metered, limited and ended like any other run: nothing here decides or accounts. What makes it a
session is what runs in it, ``session.sh``, and that one can come to it through the site's own way into a run
(:class:`situs.sites.adapter.Enterable`).
"""

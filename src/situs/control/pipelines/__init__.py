"""Pipelines: jobs that follow jobs at whatever sites, with the data that goes from one to the next.

``document`` reads one, ``looking`` decides where all its stages would be together, ``handing_in`` writes down what
people want, ``standing`` tells how it stands, and ``advancing`` hands in each stage once what it needs is there.  A
stage takes room only from then on: what trains for an hour on accelerators does not keep them while data are
prepared.  Where the stages would be together is looked at first, so that the data need not go a long way.
"""

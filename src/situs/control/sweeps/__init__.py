"""Sweeps: arrays with drawn parameters, whose members report how they do and end early when others do better.

Members are handed in as those of any array are; what is here draws their parameters, reads what they report where
they run, and decides who ends.
"""

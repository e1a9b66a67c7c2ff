"""Pure data: what an organisation has, wants and may do, and what situs answers.

Nothing here reads a file, asks the clock or touches the network, so every model can be built from plain
values in a test.  All models are immutable; units stand in field names; money is ``Decimal`` with a
currency; instants are UTC-aware.
"""

"""A control plane that runs elsewhere, asked over HTTP: which one, who one is there, and what it is told.

``servers`` keeps where people have logged in, ``login`` gets them in by their organisation's OpenID issuer, ``asking``
sends requests and turns what is refused into the errors that the same call would raise on the spot.
"""

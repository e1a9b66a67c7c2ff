"""The control plane over HTTP: what the command line does, for programs and for people elsewhere.

``permissions`` is the one table of who may do what, ``identity`` finds out who asks, and ``routes`` are thin: each
calls what the command line calls.
"""

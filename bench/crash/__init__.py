"""Killing the control plane while it works, and finding out from the work itself what came of it."""

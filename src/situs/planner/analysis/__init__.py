"""Questions to a plan: what if, at what price, compared with what, and is this hybrid by design."""

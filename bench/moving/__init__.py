"""A real training run that is moved between sites in the middle of an epoch, and what its loss curve says about it."""

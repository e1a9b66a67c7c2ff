"""One tuning task for situs and its peer: the same trials, and the same program that trains."""

"""A service under load that is moved from site to site, and what those who ask it notice."""

"""Data of sites: how they come to where runs read them, which version is there, and what is missing."""

"""The line to a site cut for a minute in the middle of things, in a network of its own."""

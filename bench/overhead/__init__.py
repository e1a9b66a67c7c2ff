"""How long a person waits from a command to the first line of their program."""

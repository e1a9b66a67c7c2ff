"""How the schema came about: one file for each change, each applied once and in order, never edited later."""

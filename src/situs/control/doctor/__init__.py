"""What is wrong, and what to do about it: looks at everything that situs needs, and changes nothing."""

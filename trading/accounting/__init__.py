"""Pure: lots and performance."""

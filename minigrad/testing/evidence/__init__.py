"""Your gradient beside the numerical one, entry by entry."""

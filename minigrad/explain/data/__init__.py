"""What a backward pass did, as plain data."""

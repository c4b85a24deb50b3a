"""What a layer owes its callers beside right numbers."""

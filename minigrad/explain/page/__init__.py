"""One page to step through, without a network."""

"""Explanations of a backward pass: see `explain`."""

"""Placeholder until the checker's arrives."""

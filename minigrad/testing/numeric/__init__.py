"""Derivatives from values alone, each with its error bar."""

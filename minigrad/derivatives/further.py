"""The chapters that are opened when a function arrives that no open chapter knows: none so far.

A chapter is imported here, by `from minigrad.derivatives import linalg`, and named in `__all__`. It
states rules, adapters and constants of functions that the first chapters leave alone.
"""

__all__: list[str] = []

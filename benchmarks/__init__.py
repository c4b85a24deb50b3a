"""minigrad beside its peers: `python -m benchmarks` runs all cases and writes benchmarks/results.

Every side of a case runs in a process of its own and takes turns with the others in blocks of
steps. See `benchmarks.cases` for what is measured and `benchmarks.peers` for how each side does it.
"""

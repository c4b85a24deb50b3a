"""What pytest and Hypothesis load when they start, whether minigrad is used or not.

So this stands beside the package: importing anything inside that would load NumPy. Each of the two
modules imports no more than the tool that loads it, and minigrad when a test first asks for it.
"""

"""Data to learn from: digits (in the package), spiral and moons (drawn), MNIST (from its files)."""

from minigrad.datasets.batching import batches
from minigrad.datasets.dataset import Dataset, Points, split
from minigrad.datasets.digits import digits
from minigrad.datasets.mnist import mnist
from minigrad.datasets.synthetic import moons, spiral

__all__ = ["Dataset", "Points", "batches", "digits", "mnist", "moons", "spiral", "split"]

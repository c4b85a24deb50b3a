"""Training pictures: each function draws one and returns matplotlib's Figure.

They are made without pyplot: there is no display, no global state, and nothing to close.
`figure.savefig(path)` writes one; a notebook shows it. Needs the extra `plot` (matplotlib), which
is imported when the first picture is drawn. Colours are Okabe and Ito's, or run from light to dark;
what a colour tells, a mark, a dash or a number tells too.
"""

from minigrad.plot.activations import activation_histograms
from minigrad.plot.classes import confusion_matrix, decision_boundary
from minigrad.plot.curves import learning_curves
from minigrad.plot.figures import new_figure
from minigrad.plot.images import filters
from minigrad.plot.parameters import Snapshots, gradient_histograms, weight_histograms
from minigrad.plot.paths import descent_path, optimizer_paths

__all__ = [
    "Snapshots",
    "activation_histograms",
    "confusion_matrix",
    "decision_boundary",
    "descent_path",
    "filters",
    "gradient_histograms",
    "learning_curves",
    "new_figure",
    "optimizer_paths",
    "weight_histograms",
]

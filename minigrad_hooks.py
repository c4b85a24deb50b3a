"""What pytest and Hypothesis load when they start, whether minigrad is used or not.

So this module stands beside the package: importing anything inside it would load NumPy.
"""

import sys
from importlib import import_module


# ---- Hypothesis ----------------------------------------------------------------------------------
def register_strategies() -> None:
    """Teach Hypothesis to draw Tensors, layers and networks, if minigrad is loaded already.

    If not, `import minigrad` does it when it finds Hypothesis.
    """
    if "minigrad" in sys.modules:
        import_module("minigrad.testing.registration").register()

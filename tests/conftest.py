"""Hypothesis profiles: the default is quick; heavier ones are chosen by HYPOTHESIS_PROFILE.

And all chapters of the table are open, for the tests that list it. `test_imports.py` knows them
closed, in processes of its own.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # tests share the machine with other tests

from hypothesis import HealthCheck, settings

from minigrad.table import open_further

open_further()

EXAMPLES = {"default": 25, "dev": 10, "ci": 100, "thorough": 2000}
for name, examples in EXAMPLES.items():
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        print_blob=True,
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

"""Hypothesis profiles: the default is quick; heavier ones are chosen by HYPOTHESIS_PROFILE."""

import os

from hypothesis import HealthCheck, settings

for name, examples in {"default": 25, "dev": 10, "ci": 100, "thorough": 2000}.items():
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        print_blob=True,
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

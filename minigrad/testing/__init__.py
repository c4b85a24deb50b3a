"""Checking gradients: anybody's."""

import typing

from minigrad.first_use import on_first_use as _on_first_use

if typing.TYPE_CHECKING:  # what stands here for editors and type checkers …
    from minigrad.testing import strategies
    from minigrad.testing.anything import assert_gradients
    from minigrad.testing.checks import check_layer, check_network, check_vjp, gradcheck
    from minigrad.testing.numeric.numerical import (
        NumericalDerivative,
        numerical_derivative,
        numerical_gradient,
    )
    from minigrad.testing.properties import gradtest
    from minigrad.testing.report import (
        Cause,
        Finding,
        GradientError,
        Mismatch,
        Report,
        Verdict,
    )
else:  # … stands here for Python, which imports it when it is first used
    __getattr__, __dir__ = _on_first_use(
        __name__,
        {
            "anything": "assert_gradients",
            "checks": "check_layer check_network check_vjp gradcheck",
            "properties": "gradtest",
            "numeric.numerical": "NumericalDerivative numerical_derivative numerical_gradient",
            "report": "Cause Finding GradientError Mismatch Report Verdict",
        },
    )

__all__ = [
    "Cause",
    "Finding",
    "GradientError",
    "Mismatch",
    "NumericalDerivative",
    "Report",
    "Verdict",
    "assert_gradients",
    "check_layer",
    "check_network",
    "check_vjp",
    "gradcheck",
    "gradtest",
    "numerical_derivative",
    "numerical_gradient",
    "strategies",
]

"""minigrad: an autodiff mini-framework on NumPy."""

"""The raw layer below the public API; ``hpyx._core.futures`` is documented in the guides."""

"""Names that the sections of document 001 use and do not define. See ``preamble_000.py``."""

import hpyx

inputs = [1, 2, 3]
url1, url2 = "one", "two"


def my_fn(x):
    """Do some work."""
    return x * x


def load():
    """Begin a chain."""
    return " 1, 2 "


def parse(future):
    """Go on with what was loaded: a continuation gets the future that is done."""
    return future.result().split(",")


def transform(future):
    """End the chain."""
    return [int(text) for text in future.result()]


def fetch(url):
    """Stand for a download."""
    return url


def merge(first, second):
    """Combine two results."""
    return f"{first} {second}"


# --- Composing beyond stdlib
f3 = hpyx.async_(fetch, "three")

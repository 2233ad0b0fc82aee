"""Every example of README and docs does what it says, on every interpreter."""

import pytest

from examples import needs_others, pages, run_page

OWN = {name: path for name, path in pages().items() if not needs_others(path)}


@pytest.mark.parametrize("name", sorted(OWN))
def test_the_examples_of_a_page_print_what_they_say(name):
    assert run_page(name, OWN[name]) > 0

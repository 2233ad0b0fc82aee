"""The examples that use numpy, dask, joblib and tqdm do what they say."""

import pytest

from examples import needs_others, pages, run_page
from skips import module_needs

module_needs("cloudpickle")
module_needs("numpy")

WITH_OTHERS = {name: path for name, path in pages().items() if needs_others(path)}


@pytest.mark.parametrize("name", sorted(WITH_OTHERS))
def test_the_examples_of_a_page_print_what_they_say(name):
    assert run_page(name, WITH_OTHERS[name], warnings="default") > 0

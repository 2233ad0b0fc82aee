"""examples/trace_timeline.py: a trace as an SVG picture."""

import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import hpyx
import sizes
from child import environment

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "examples" / "trace_timeline.py"


def nested(depth):
    return depth and 1 + hpyx.async_(nested, depth - 1).result()


def test_each_task_that_ran_is_a_bar_with_its_name(tmp_path):
    trace, picture = tmp_path / "trace.jsonl", tmp_path / "picture.svg"
    hpyx.debug.enable_tracing(trace)
    assert hpyx.async_(nested, 3).result() == 3
    hpyx.async_(int, "x").exception()
    hpyx.debug.disable_tracing()
    command = [sys.executable, str(SCRIPT), str(trace), str(picture)]
    env = environment(sizes.SHORT_LIVED)
    subprocess.run(command, check=True, env=env, timeout=sizes.PATIENCE)
    root = xml.etree.ElementTree.parse(str(picture)).getroot()
    titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert sorted(title.partition(":")[0] for title in titles) == ["int"] + ["nested"] * 4

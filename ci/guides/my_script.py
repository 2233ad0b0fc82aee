"""The script that document 000 runs with variables set: it says what they did."""

import os

import hpyx

if os.environ.get("HPYX_AUTOINIT") == "0":
    try:
        hpyx.async_(int)
    except RuntimeError:
        hpyx.init()
        print("started by hand")
else:
    hpyx.async_(int).result()
    print(hpyx.debug.get_num_worker_threads(), "threads")

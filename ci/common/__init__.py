"""What every script in ``ci/`` shares: places, processes, tool environments, pip.

Standard library only, Python >= 3.9. Nothing in here prints, except ``say``.
"""

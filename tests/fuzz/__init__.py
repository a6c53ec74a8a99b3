# SPDX-License-Identifier: Apache-2.0
"""Inputs that lead the readers of disks down every path.

``corpus`` has, for each reader, the inputs that coverage-guided fuzzing kept,
in text. A test replays them. To look for more, in an environment with
`atheris <https://pypi.org/project/atheris/>`_ and the tests' packages::

    python -m tests.fuzz READER DIRECTORY -max_total_time=600

DIRECTORY gets the inputs; further options are libFuzzer's. What raises, or
takes more than ``limits`` has, is written as ``crash-*``. To have the smallest
inputs of the same coverage take the place of those in ``corpus``::

    python -m tests.fuzz READER DIRECTORY -merge=1 SMALLEST
    python -m tests.fuzz --keep READER SMALLEST

libFuzzer needs both directories to be there.
"""

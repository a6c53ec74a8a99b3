# SPDX-License-Identifier: Apache-2.0
"""Processes that a test's own process has started."""

import os
import pathlib


def children(program: str) -> list[int]:
    """Return the ids of those that run a program and were not waited for.

    Others may be there: what a test before has left to the next one.
    """
    listed = pathlib.Path(f'/proc/self/task/{os.getpid()}/children')
    return [
        int(child)
        for child in listed.read_text().split()
        if pathlib.Path(f'/proc/{child}/comm').read_text().strip() == program
    ]

# SPDX-License-Identifier: Apache-2.0
"""Programs that tests run, and that pip does not install."""

import os
import pathlib
import shutil
from typing import NoReturn

import pytest

_REQUIRED = 'HYPERVISOR_AFFINITY_REQUIRE_PROGRAMS'


def skip_without(*programs: str | pathlib.Path) -> None:
    """Skip the test if one is missing, or fail it where they are required.

    :param programs: names or paths; ``bindep.txt`` has their packages
    """
    missing = [str(name) for name in programs if not _is_there(name)]
    if not missing:
        return
    miss(f'missing: {", ".join(missing)}; see bindep.txt')


def miss(message: str) -> NoReturn:
    """Skip the test, or fail it where programs are required.

    :param message: says what is missing
    """
    if os.environ.get(_REQUIRED):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def _is_there(program: str | pathlib.Path) -> bool:
    if isinstance(program, pathlib.Path):
        # A module or a boot sector, which nobody executes as a file.
        return program.exists()
    return shutil.which(program) is not None

# SPDX-License-Identifier: Apache-2.0
"""What runs of a cloud, whoever started it: its pid files tell."""

import pathlib
from collections.abc import Collection, Sequence

from testbed.processes.program import Program

# Until those that were asked to end are killed, in seconds.
_PATIENCE = 10.0


def find(folder: pathlib.Path) -> list[Program]:
    """Return the programs that have pid files, the first started first.

    They can be asked and ended, but not be started.

    :param folder: of the cloud
    """
    files = sorted(
        folder.glob('pids/*.pid'), key=lambda path: path.stat().st_mtime_ns
    )
    return [Program(path.stem, (), {}, folder) for path in files]


def has(folder: pathlib.Path, pid: int) -> bool:
    """Tell whether a process is one of the cloud's."""
    return any(pid in program.pids for program in find(folder))


def shut_down(programs: Sequence[Program], last: Collection[str]) -> None:
    """Ask all to end; kill those that do not.

    :param last: names of those that the others need to end well
    """
    for turn in (False, True):
        ending = [
            program for program in programs if (program.name in last) is turn
        ]
        for program in ending:
            program.terminate()
        for program in ending:
            if not program.wait_for_end(_PATIENCE):
                program.kill()

# SPDX-License-Identifier: Apache-2.0
"""Run Python programs, each in a fork of a process that imported modules.

Takes the names of the modules. Each line of standard input is a run [program,
arguments, file for its output, file for its errors], where a program is a
module or a path; a line with its exit code answers it.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import sys

# A run that takes longer hangs.
_SECONDS = 180


def _run(program, arguments, output, errors):
    for number, path in enumerate((os.devnull, output, errors)):
        file = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    signal.alarm(_SECONDS)
    sys.argv[1:] = arguments
    if program.endswith('.py'):
        runpy.run_path(program, run_name='__main__')
    else:
        runpy.run_module(program, run_name='__main__', alter_sys=True)


def main():
    for name in sys.argv[1:]:
        importlib.import_module(name)
    # Forks need not look through it.
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(*json.loads(line))
            return
        # Not waitpid, which is one of those that eventlet replaces.
        _, status, _ = os.wait4(child, 0)
        sys.stdout.write(f'{os.waitstatus_to_exitcode(status)}\n')
        sys.stdout.flush()


if __name__ == '__main__':
    main()

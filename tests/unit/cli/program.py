# SPDX-License-Identifier: Apache-2.0
"""The program, run in this process: importing its libraries takes a second."""

import json
import logging

from hypervisor_affinity.cli import shell


class Run:
    """One run.

    :ivar code: the exit code
    """

    def __init__(self, capsys, *arguments):
        root = logging.getLogger()
        handlers, level = list(root.handlers), root.level
        try:
            self.code = shell.main(list(map(str, arguments)))
        except SystemExit as error:
            self.code = error.code
        finally:
            # The program's write to what is no longer standard error, and
            # it sets the level for its whole process.
            root.handlers[:] = handlers
            root.setLevel(level)
        self.out, self.err = capsys.readouterr()

    def json(self):
        return json.loads(self.out)

# SPDX-License-Identifier: Apache-2.0
"""The program ``hypervisor-affinity``: its beginning and its end."""

import functools
import logging
import pathlib
import sys

from hypervisor_affinity import ending
from hypervisor_affinity import log_lines

NAME = 'hypervisor-affinity'


def main(argv: list[str] | None = None) -> int:
    """Run; return the exit code, whatever happens."""
    arguments = sys.argv[1:] if argv is None else argv
    ending.prepare()
    # openstacksdk logs before there is a handler.
    log_lines.make_fit(logging.getLogger())
    stdout = ending.Output(sys.stdout)
    return ending.ended(
        functools.partial(_run, arguments, stdout),
        NAME,
        stdout,
        sys.stderr,
        no_answer=ending.NO_ANSWER,
        debug='--debug' in arguments,
    )


def _run(argv: list[str], stdout: ending.Output) -> int:
    try:
        # openstacksdk asks for it when it is imported.
        pathlib.Path.cwd()
    except OSError as error:
        ending.say(
            sys.stderr,
            f'{NAME}: the current directory cannot be found: '
            f'{error.strerror}; change to one that exists',
        )
        return ending.NO_ANSWER
    try:
        # Not above: it may be missing, and takes a second, in which somebody
        # may press Ctrl-C.
        from hypervisor_affinity.cli import application
    except ModuleNotFoundError as error:
        ending.say(
            sys.stderr,
            f'{NAME}: {error.name} is not installed: pip install '
            "'hypervisor-affinity[cli]'",
        )
        return ending.NO_ANSWER
    return application.run(argv, stdout)


if __name__ == '__main__':
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""The program ``hypervisor-affinity-status``."""

import argparse
import contextlib
import functools
import importlib.metadata
import importlib.util
import logging
import sys

from oslo_config import cfg

from hypervisor_affinity import conf_files
from hypervisor_affinity import ending

NAME = 'hypervisor-affinity-status'

# oslo.upgradecheck's, for what is no outcome of a check.
NO_ANSWER = 255
# argparse's, as of all that oslo.config itself finds wrong.
WRONG_COMMAND_LINE = 2


def main() -> int:
    """Run the command that ``sys.argv`` names; return the exit code."""
    # What nova and its libraries log meanwhile is for the log of a service,
    # and may cite a database's URL.
    logging.getLogger().addHandler(logging.NullHandler())
    ending.prepare()
    stdout = ending.Output(sys.stdout)
    return ending.ended(
        functools.partial(_run, stdout),
        NAME,
        stdout,
        sys.stderr,
        no_answer=NO_ANSWER,
        debug='--debug' in sys.argv,
    )


def _run(stdout: ending.Output) -> int:
    # oslo.upgradecheck prints the answer, and argparse what was asked of it.
    with contextlib.redirect_stdout(stdout):
        # nova would answer with its own.
        version = argparse.ArgumentParser(NAME, add_help=False)
        version.add_argument(
            '--version',
            action='version',
            version=importlib.metadata.version('hypervisor-affinity'),
        )
        version.parse_known_args()
        if importlib.util.find_spec('nova') is None:
            return _give_up(
                f'nova is not installed in {sys.prefix}. Install '
                'hypervisor-affinity where nova-scheduler is installed, and '
                'run the command from there.'
            )
        return _check()


def _check() -> int:
    try:
        # Not above: nova may be missing. The first prepares the process for
        # nova's concurrency mode, as it does for nova-scheduler.
        # That reads nova.conf, too.
        with conf_files.reading(cfg.ConfigOpts()):
            import nova.cmd.scheduler  # noqa: F401  # isort: skip

        from hypervisor_affinity.status import commands
    except conf_files.ConfError as error:
        return _give_up(f'nova.conf cannot be read: {error}')
    except ImportError as error:
        return _give_up(f'nova cannot be loaded: {error}')
    try:
        return commands.run(sys.argv)
    except commands.WrongCommand as error:
        ending.say(
            sys.stderr,
            f'{NAME}: there is no command "{error}"; there is "upgrade check"',
        )
        return WRONG_COMMAND_LINE
    except conf_files.ConfError as error:
        return _give_up(f'nova.conf cannot be read: {error}')


def _give_up(text: str) -> int:
    ending.say(sys.stderr, f'{NAME}: {text}')
    return NO_ANSWER


if __name__ == '__main__':
    sys.exit(main())

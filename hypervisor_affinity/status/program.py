# SPDX-License-Identifier: Apache-2.0
"""The program ``hypervisor-affinity-status``."""

import contextlib
import functools
import importlib.util
import logging
import sys

from oslo_config import cfg

from hypervisor_affinity import conf_files
from hypervisor_affinity import ending

NAME = 'hypervisor-affinity-status'

# oslo.upgradecheck's, for what is no outcome of a check.
NO_ANSWER = 255


def main() -> int:
    """Run the command that ``sys.argv`` names; return the exit code."""
    if importlib.util.find_spec('nova') is None:
        return _give_up(
            f'nova is not installed in {sys.prefix}. Install '
            'hypervisor-affinity where nova-scheduler is installed, and run '
            'the command from there.'
        )
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
    try:
        # Not above: nova may be missing. The first prepares the process for
        # nova's concurrency mode, as it does for nova-scheduler.
        # That reads nova.conf, too.
        with conf_files.reading(cfg.ConfigOpts()):
            import nova.cmd.scheduler  # noqa: F401  # isort: skip

        from hypervisor_affinity.status import commands

        # oslo.upgradecheck prints the answer.
        with contextlib.redirect_stdout(stdout):
            return commands.run(sys.argv)
    except conf_files.ConfError as error:
        return _give_up(f'nova.conf cannot be read: {error}')
    except ImportError as error:
        return _give_up(f'nova cannot be loaded: {error}')


def _give_up(text: str) -> int:
    ending.say(sys.stderr, f'{NAME}: {text}')
    return NO_ANSWER


if __name__ == '__main__':
    sys.exit(main())

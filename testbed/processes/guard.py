# SPDX-License-Identifier: Apache-2.0
"""A program that ends what is left of a cloud when it is to end itself.

As all programs of a cloud are asked to when whoever started it has died. Some
then wait for others that have ended already, and no machine of a server has
the cloud's processes for parents, by whose death it would end.

    python -m testbed.processes.guard DIRECTORY-OF-THE-CLOUD
"""

import os
import pathlib
import signal
import sys
import time

from testbed.processes import guests
from testbed.processes import running

# It writes this as soon as it can be asked to end.
READY = 'waiting'

_MODULE = 'testbed.processes.guard'
# In seconds, for the others, which were asked to end as well.
_PATIENCE = 3.0


def command(cloud: pathlib.Path) -> list[str | pathlib.Path]:
    """Return what runs it.

    :param cloud: its directory
    """
    return [sys.executable, '-m', _MODULE, cloud]


def main() -> None:
    """Wait for the signal, and end the rest."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    sys.stdout.write(f'{READY}\n')
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM})
    cloud = pathlib.Path(sys.argv[1])
    guests.end(cloud)
    time.sleep(_PATIENCE)
    for program in running.find(cloud):
        if program.pid != os.getpid():
            program.kill()
    # Some nova-compute may have started a machine meanwhile.
    guests.end(cloud)


if __name__ == '__main__':
    main()

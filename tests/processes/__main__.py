# SPDX-License-Identifier: Apache-2.0
"""Keep a whole cloud until Ctrl-C, and say how to use it.

The extras ``test``, ``cloud`` and ``tempest`` must be installed, and of Debian
``mariadb-server`` and ``rabbitmq-server``.
"""

import argparse
import contextlib
import pathlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator

from tests.processes import broker
from tests.processes import mariadb
from tests.processes import openrc
from tests.processes.cloud import Cloud
from tests.processes.tempest_conf import TempestConf

# {program: its package in Debian}
_NEEDED = {broker.SERVER: 'rabbitmq-server', mariadb.SERVER: 'mariadb-server'}
_PLUGIN = 'hypervisor_affinity_tempest_plugin'


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog='python -m tests.processes', description=__doc__
    )
    parser.add_argument(
        '--folder',
        type=pathlib.Path,
        help='for all state, kept afterwards (default: a temporary one that '
        'is kept if something fails)',
    )
    arguments = parser.parse_args()
    for program, package in _NEEDED.items():
        if not program.exists():
            sys.exit(f'{program} is missing: install {package}')
    # What ends the process ends the cloud, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with _state(arguments.folder) as folder:
        _say(f'starting a cloud in {folder}')
        began = time.monotonic()
        with Cloud(folder) as cloud:
            _say(f'it runs after {time.monotonic() - began:.0f} s')
            _stay(cloud)


@contextlib.contextmanager
def _state(folder: pathlib.Path | None) -> Iterator[pathlib.Path]:
    if folder:
        folder.mkdir(parents=True)
        yield folder.resolve()
        return
    temporary = pathlib.Path(tempfile.mkdtemp(prefix='hypervisor-affinity-'))
    yield temporary
    # Not reached after a failure.
    shutil.rmtree(temporary)


def _stay(cloud: Cloud) -> None:
    conf = TempestConf(cloud)
    conf.write()
    variables = openrc.variables(cloud.site.auth_url)
    script = cloud.folder / 'openrc'
    script.write_text(
        ''.join(f'export {name}={text}\n' for name, text in variables.items())
    )
    _say(
        f'credentials: . {script}\n'
        f'logs: {cloud.folder / "logs"}\n'
        f'tempest: cd {conf.folder} && tempest run '
        f'--config-file={conf.path} --regex={_PLUGIN}\n'
        'Ctrl-C ends it'
    )
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


def _say(text: str) -> None:
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()


if __name__ == '__main__':
    main()

# SPDX-License-Identifier: Apache-2.0
"""Start a whole cloud, for a developer or for tempest.

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
from tests.processes import tempest_run
from tests.processes.cloud import Cloud
from tests.processes.tempest_conf import TempestConf

# {program: its package in Debian}
_NEEDED = {broker.SERVER: 'rabbitmq-server', mariadb.SERVER: 'mariadb-server'}
_PLUGIN = 'hypervisor_affinity_tempest_plugin'
# {flexible_placement: (which tests, those that are for the other)}
_RUNS = {
    'prefer': (_PLUGIN, ['test_strict']),
    'strict': (f'{_PLUGIN}.*OverflowTest', ['test_prefer']),
}


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='python -m tests.processes', description=__doc__
    )
    parser.add_argument(
        '--folder',
        type=pathlib.Path,
        help='for all state, kept afterwards (default: a temporary one that '
        'is kept if something fails)',
    )
    actions = parser.add_subparsers(required=True, metavar='ACTION')
    actions.add_parser(
        'up', help='keep it until Ctrl-C, and say how to use it'
    ).set_defaults(action=_stay)
    actions.add_parser(
        'tempest', help="run tempest's tests of the plug-in"
    ).set_defaults(action=_run_tempest)
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
            return arguments.action(cloud)


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


def _stay(cloud: Cloud) -> int:
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
    return 0


def _run_tempest(cloud: Cloud) -> int:
    conf = TempestConf(cloud)
    complaints = []
    for placement, (regex, expected_skips) in _RUNS.items():
        if placement != 'prefer':
            cloud.restart_scheduler(flexible_placement=placement)
        _say(f'tempest with flexible_placement = {placement}')
        outcome = tempest_run.run(
            conf.folder, conf.write(flexible_placement=placement), regex
        )
        complaints += [
            f'{placement}: {complaint}'
            for complaint in outcome.complaints(expected_skips)
        ]
    _say('\n'.join(complaints) or 'all tests passed')
    return 1 if complaints else 0


def _say(text: str) -> None:
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()


if __name__ == '__main__':
    sys.exit(main())

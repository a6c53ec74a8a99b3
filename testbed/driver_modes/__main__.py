# SPDX-License-Identifier: Apache-2.0
"""Operate servers by nova's driver for vCenter in each mode of nova-compute.

Writes what came of it to ``results.rst`` beside this, and all of it to
``results.json``. Takes about a minute for each run, of which there are up to
seven for each environment.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator

from hypervisor_affinity_tempest_plugin import disks
from testbed.driver_modes import mode
from testbed.driver_modes import patched
from testbed.driver_modes import programs
from testbed.driver_modes import results
from testbed.driver_modes.mode import Mode
from testbed.driver_modes.results import Result
from testbed.processes import vsphere
from testbed.vcenter import inventory
from testbed.vcenter import simulator
from testbed.vcenter.certificates import Authority
from testbed.vcenter.simulator import VCenter

_RESULTS = pathlib.Path(__file__).parent
# nova-compute of older releases has no native threads.
_FIRST_NATIVE = 33
_AS_IS = 'as-is'
_NATIVE_PACES = (_AS_IS, 'start', 'booted')
# Answers are mixed up more often if they are long.
_OTHER_SERVERS = 100


def main() -> None:
    """Run all, and write what came of it."""
    parser = argparse.ArgumentParser(
        prog='python -m testbed.driver_modes',
        description=__doc__.splitlines()[0],
    )
    parser.add_argument(
        '--python',
        type=pathlib.Path,
        action='append',
        help='of an environment that has nova[vmware]; may be given several '
        'times (default: this one)',
    )
    parser.add_argument(
        '--without-native',
        type=pathlib.Path,
        action='append',
        default=[],
        help='the same, to be run with eventlet only',
    )
    parser.add_argument('--servers', type=int, default=12)
    arguments = parser.parse_args()
    pythons = arguments.python or [pathlib.Path(sys.executable)]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        found = []
        for result in _run_all(
            folder,
            [
                *(
                    (_AS_IS, _eventlet(path))
                    for path in arguments.without_native
                ),
                *_modes(pythons, folder),
            ],
            arguments.servers,
        ):
            _show(result)
            found.append(result)
            # What there is, if a later run fails.
            _write(found)


def _run_all(
    folder: pathlib.Path, modes: Iterable[tuple[str, Mode]], servers: int
) -> Iterator[Result]:
    """Yield what came of each mode, on a new vCenter."""
    program = simulator.build(folder)
    image = folder / 'tiny.vmdk'
    image.write_bytes(disks.vmdk())
    for number, (pace, tried) in enumerate(modes):
        own = folder / str(number)
        own.mkdir()
        with _vcenter(program, own) as vcenter:
            conf = mode.write_conf(own, vcenter)
            document = tried.run(programs.OPERATE, pace, servers, image, conf)
        yield Result(pace, tried.path is not None, document)


def _write(found: list[Result]) -> None:
    (_RESULTS / 'results.rst').write_text(results.tables(found) + '\n')
    (_RESULTS / 'results.json').write_text(
        json.dumps([result._asdict() for result in found], indent=1) + '\n'
    )


def _modes(
    pythons: list[pathlib.Path], folder: pathlib.Path
) -> Iterator[tuple[str, Mode]]:
    """Yield each pace and mode that nova-compute of an environment has."""
    for number, python in enumerate(pythons):
        yield _AS_IS, _eventlet(python)
        if _release(python) < _FIRST_NATIVE:
            continue
        own = folder / f'patched-{number}'
        own.mkdir()
        for path in (None, patched.copy(python, own)):
            for pace in _NATIVE_PACES:
                yield pace, Mode(python, is_native=True, path=path)


def _eventlet(python: pathlib.Path) -> Mode:
    return Mode(python, is_native=False)


def _release(python: pathlib.Path) -> int:
    found = subprocess.run(
        [
            *(python, '-c'),
            'import importlib.metadata; '
            'print(importlib.metadata.version("nova"))',
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(found.stdout.partition('.')[0])


def _vcenter(program: pathlib.Path, folder: pathlib.Path) -> VCenter:
    authority = Authority(folder, 'authority')
    described = vsphere.cluster_inventory(mode.CLUSTER)
    described.vms = inventory.vms(
        described.clusters[0], described.datastores[0], _OTHER_SERVERS
    )
    return VCenter(
        program, folder, described, authority.sign(), authority.file
    )


def _show(result: Result) -> None:
    operations = result.document['operations']
    failed = {name: counts['failed'] for name, counts in operations.items()}
    named = ', '.join(
        f'{name} {count}' for name, count in failed.items() if count
    )
    sys.stdout.write(
        f'nova {result.nova}, {result.mode}, {result.pace}: '
        f'failed: {named or "nothing"}; {result.document["left"]} left\n'
    )
    sys.stdout.flush()


if __name__ == '__main__':
    main()

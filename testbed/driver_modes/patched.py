# SPDX-License-Identifier: Apache-2.0
"""oslo.vmware with the patch that is offered for it.

    python -m testbed.driver_modes.patched DIRECTORY

writes a copy of the installed one, with the patch, into a new directory.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

PROGRAM = 'patch'

_PACKAGE = 'oslo_vmware'
_PATCH = (
    pathlib.Path(__file__).parents[2]
    / 'contrib/oslo.vmware/share-suds-client.patch'
)


def copy(python: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Return what to put into PYTHONPATH, with a patched copy of the package.

    :param python: in whose environment the package is installed
    :param folder: without such a package
    :raises ChildProcessError: the patch does not fit
    """
    shutil.copytree(_installed(python), folder / _PACKAGE)
    patched = subprocess.run(
        # A part that fits elsewhere is a reason to look at it again.
        [PROGRAM, '--strip=1', '--fuzz=0', f'--input={_PATCH}'],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if patched.returncode:
        raise ChildProcessError(patched.stdout + patched.stderr)
    return folder


def _installed(python: pathlib.Path) -> pathlib.Path:
    found = subprocess.run(
        # Not imported: this takes long, and may need the threads replaced.
        [
            *(python, '-c'),
            'import importlib.util, sys; '
            f'print(importlib.util.find_spec("{_PACKAGE}").origin)',
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return pathlib.Path(found.stdout.strip()).parent


def main() -> None:
    """Make a copy of what this Python has."""
    parser = argparse.ArgumentParser(
        prog='python -m testbed.driver_modes.patched',
        description='Copy the installed oslo_vmware and apply the patch.',
    )
    parser.add_argument(
        'directory', type=pathlib.Path, help='must not exist, or be empty'
    )
    folder = parser.parse_args().directory
    try:
        copy(pathlib.Path(sys.executable), folder)
    except OSError as error:
        sys.exit(f'{folder}: {error}')


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check that a wheel holds both whole packages and nothing besides them.

Run it from the top of the checkout that the wheel was built from::

    tools/check_wheel.py dist/hypervisor_affinity-*.whl
"""

import pathlib
import sys
import zipfile

PACKAGE = 'hypervisor_affinity'
PACKAGES = (PACKAGE, 'hypervisor_affinity_tempest_plugin')
SAMPLES = 'data/data/share/hypervisor-affinity'


def expected_files(wheel: pathlib.Path) -> tuple[set[str], tuple[str, ...]]:
    """Return the files that must be in, and folders that may be in."""
    release = '-'.join(wheel.name.split('-')[:2])
    modules = {
        path.as_posix()
        for package in PACKAGES
        for pattern in ('*.py', '*.j2', 'py.typed')
        for path in pathlib.Path(package).rglob(pattern)
    }
    metadata = {
        f'{release}.dist-info/{name}'
        for name in ('METADATA', 'entry_points.txt', 'licenses/LICENSE')
    }
    samples = {f'{release}.{SAMPLES}/{PACKAGE}.conf.sample'}
    return (
        modules | metadata | samples,
        (f'{release}.dist-info/', f'{release}.{SAMPLES}/'),
    )


def main() -> None:
    """Exit with the names of missing and superfluous files."""
    wheel = pathlib.Path(sys.argv[1])
    required, folders = expected_files(wheel)
    with zipfile.ZipFile(wheel) as archive:
        found = set(archive.namelist())
    problems = [f'missing: {name}' for name in sorted(required - found)] + [
        f'does not belong: {name}'
        for name in sorted(found - required)
        if not name.startswith(folders)
    ]
    if problems:
        sys.exit('\n'.join([f'{wheel}:', *problems]))


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check that a wheel and an sdist hold all that belongs there, and no more.

Run it from the top of the checkout that they were built from::

    tools/check_distributions.py dist
"""

import pathlib
import subprocess
import sys
import tarfile
import zipfile

NAME = 'hypervisor_affinity'
PACKAGES = (f'{NAME}/', f'{NAME}_tempest_plugin/')
# pbr leaves it out of every sdist.
LEFT_OUT = '.gitignore'
# Written when the sdist is. They grow with the history, so they may be large.
GENERATED = ('AUTHORS', 'ChangeLog', 'PKG-INFO')
# Nothing here is more than half of it. A larger one is no source, or should
# be made when it is needed.
LARGEST = 100_000


def tracked_files() -> set[str]:
    """Return what git has in the current directory."""
    listed = subprocess.run(
        ['git', 'ls-files', '-z'], check=True, stdout=subprocess.PIPE
    )
    return set(listed.stdout.decode().split('\0')) - {''}


def read_wheel(path: pathlib.Path) -> dict[str, bytes]:
    """Return the content of each file."""
    with zipfile.ZipFile(path) as archive:
        return {
            name: archive.read(name)
            for name in archive.namelist()
            if not name.endswith('/')
        }


def read_sdist(path: pathlib.Path) -> dict[str, bytes]:
    """Return the content of each file, by its name below the one directory."""
    directory = f'{path.name.removesuffix(".tar.gz")}/'
    with tarfile.open(path) as archive:
        opened = {
            member.name.removeprefix(directory): archive.extractfile(member)
            for member in archive
            if not member.isdir()
        }
        # None for what is no file, such as a device.
        return {name: file.read() for name, file in opened.items() if file}


def misfits(
    found: set[str], required: set[str], generated: set[str]
) -> list[str]:
    """Return a line for each file that is missing, or should be."""
    return [f'missing: {name}' for name in sorted(required - found)] + [
        f'must not be there: {name}'
        for name in sorted(found - required - generated)
    ]


def unfit(files: dict[str, bytes]) -> list[str]:
    """Return a line for each file that is too large, or not text."""
    problems = []
    for name, content in sorted(files.items()):
        if len(content) > LARGEST:
            problems.append(f'{len(content)} bytes: {name}')
        if b'\0' in content or not is_utf8(content):
            problems.append(f'binary: {name}')
    return problems


def is_utf8(content: bytes) -> bool:
    """Tell whether this can be read as text."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_wheel(path: pathlib.Path, tracked: set[str]) -> list[str]:
    """Return what is wrong with a wheel: it has both packages, whole."""
    files = read_wheel(path)
    release = '-'.join(path.name.split('-')[:2])
    share = f'{release}.data/data/share/'
    samples = f'{share}hypervisor-affinity/'
    metadata = f'{release}.dist-info/'
    required = {name for name in tracked if name.startswith(PACKAGES)} | {
        f'{samples}{NAME}.conf.sample',
        f'{share}bash-completion/completions/hypervisor-affinity',
        f'{metadata}METADATA',
        f'{metadata}entry_points.txt',
        f'{metadata}licenses/LICENSE',
    }
    generated = {
        name for name in files if name.startswith((samples, metadata))
    }
    return misfits(set(files), required, generated) + unfit(files)


def check_sdist(path: pathlib.Path, tracked: set[str]) -> list[str]:
    """Return what is wrong with an sdist: it has all that git has."""
    files = read_sdist(path)
    generated = {
        name
        for name in files
        if name in GENERATED or name.startswith(f'{NAME}.egg-info/')
    }
    problems = misfits(set(files), tracked - {LEFT_OUT}, generated)
    return problems + unfit(
        {name: files[name] for name in set(files) - generated}
    )


CHECKS = {'.whl': check_wheel, '.gz': check_sdist}


def main() -> None:
    """Exit with what is wrong with the wheel and the sdist of a directory."""
    directory = pathlib.Path(sys.argv[1])
    paths = sorted(directory.iterdir())
    if sorted(path.suffix for path in paths) != sorted(CHECKS):
        names = ', '.join(path.name for path in paths)
        sys.exit(f'{directory}: one wheel and one sdist are expected: {names}')
    tracked = tracked_files()
    problems = [
        f'{path.name}: {problem}'
        for path in paths
        for problem in CHECKS[path.suffix](path, tracked)
    ]
    if problems:
        sys.exit('\n'.join(problems))


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write constraints/SERIES.txt: what one nova release is tested with.

Has uv find what constraints/SERIES.in asks for, on every Python, under the
upper constraints that OpenStack publishes for the series; a package that
SERIES.in names is free of them. Pins that still fit stay: to have the newest
of what OpenStack does not list, delete SERIES.txt first. Run it from the top
of the checkout, with uv in PATH::

    tools/make_constraints.py 2026.2
"""

import argparse
import pathlib
import re
import subprocess
import urllib.request

UPPER_CONSTRAINTS = 'https://releases.openstack.org/constraints/upper/'
HEADER = """\
# Written by tools/make_constraints.py from {series}.in: change that and run
# it again, instead of editing. A package has the release that OpenStack's
# upper constraints for {series} list; one that they do not list, or that
# {series}.in names, the newest that fitted when it came in.

"""
COMPILE = (
    *('uv', 'pip', 'compile', '--quiet', '--universal'),
    # The oldest that python_requires lets in.
    '--python-version=3.11',
    *('--no-annotate', '--no-header'),
    '--no-emit-package=hypervisor-affinity',
    '--constraints=-',
)


def project_name(requirement: str) -> str:
    """Return the normalised name that starts a requirement line."""
    name = re.match(r'[\w.-]*', requirement.strip()).group()
    return re.sub(r'[-_.]+', '-', name).lower()


def without(published: str, wanted: str) -> str:
    """Return the published list less the packages that are asked for."""
    ours = set(map(project_name, wanted.splitlines()))
    return '\n'.join(
        line
        for line in published.splitlines()
        if project_name(line) not in ours
    )


def main() -> None:
    """Write the file of the series given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('series')
    parser.add_argument(
        '--upper-constraints',
        metavar='FILE_OR_URL',
        help=f'the published list (default: {UPPER_CONSTRAINTS}SERIES)',
    )
    args = parser.parse_args()

    wanted = pathlib.Path('constraints', f'{args.series}.in')
    target = wanted.with_suffix('.txt')
    source = args.upper_constraints or UPPER_CONSTRAINTS + args.series
    if '://' not in source:
        source = pathlib.Path(source).absolute().as_uri()
    with urllib.request.urlopen(source) as response:
        published = response.read().decode()
    subprocess.run(
        [*COMPILE, f'--output-file={target}', wanted],
        check=True,
        input=without(published, wanted.read_text()),
        stdout=subprocess.DEVNULL,
        text=True,
    )
    pins = target.read_text()
    target.write_text(HEADER.format(series=args.series) + pins)


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write constraints/SERIES.txt: what one nova release is tested with.

Asks pip what it would install for the package with all its extras beside that
nova, on each Python, under the upper constraints that OpenStack publishes for
the series. Run it from the top of the checkout::

    .venv/bin/python tools/make_constraints.py 2026.2 \
        --python python3.11 --python python3.12 --python python3.13
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from typing import NamedTuple

UPPER_CONSTRAINTS = 'https://releases.openstack.org/constraints/upper/'
EXTRAS = 'cli,plot,test,docs,lint,ci'
# The older lists have a selenium of the last decade.
NEWEST_EXTRAS = ',browser,cloud,tempest'


class Deviation(NamedTuple):
    """A requirement that replaces a line of the published list."""

    requirement: str
    reason: str


class Series(NamedTuple):
    """One OpenStack release: what it is, where its list needs help."""

    nova: str
    placement: str
    # The other services of the cloud that tempest is run against, if it is.
    services: tuple[str, ...] = ()
    deviations: tuple[Deviation, ...] = ()

    @property
    def extras(self) -> str:
        """Return the extras that can be installed beside this nova."""
        return EXTRAS + (NEWEST_EXTRAS if self.services else '')


SERIES = {
    '2025.1': Series(
        nova='31.3.1',
        placement='13.0.1',
        deviations=(
            Deviation('fixtures>4.2.4.post1', 'the listed one was yanked'),
            Deviation(
                'requests==2.32.4',
                'the listed one may give a password of .netrc to another host',
            ),
        ),
    ),
    '2025.2': Series(
        nova='32.2.1',
        placement='14.0.0',
        deviations=(Deviation('click>8.2.2', 'the listed one was yanked'),),
    ),
    '2026.1': Series(nova='33.0.2', placement='15.0.0'),
    '2026.2': Series(
        nova='34.0.0',
        placement='16.0.0',
        services=(
            'cinder==29.0.0',
            'glance==33.0.0',
            'keystone==30.0.0',
            'neutron==29.0.0',
        ),
        deviations=(
            Deviation('keystoneauth1>=5.16.0', 'nova requires it'),
            Deviation('oslo.versionedobjects>=3.12.0', 'nova requires it'),
        ),
    ),
}

HEADER = """\
# Nova {series.nova} and placement {series.placement} (OpenStack {name}), with
# all that the extras {extras} need beside them on
# Python {pythons}.
#
# Written by tools/make_constraints.py: run it again instead of editing.
# A package has the release that OpenStack's upper constraints for {name}
# list; one that they do not list has the newest release that fits.
"""


def project_name(requirement: str) -> str:
    """Return the normalised name that starts a requirement line."""
    name = re.match(r'[\w.-]*', requirement.strip()).group()
    return re.sub(r'[-_.]+', '-', name).lower()


def read_published(source: str) -> str:
    """Return the published list's text, from a URL or a file."""
    if '://' not in source:
        return pathlib.Path(source).read_text()
    with urllib.request.urlopen(source) as response:
        return response.read().decode()


def adapt(published: str, deviations: tuple[Deviation, ...]) -> str:
    """Return the published list with our lines in place of its own."""
    ours = [deviation.requirement for deviation in deviations]
    replaced = set(map(project_name, ours))
    theirs = [
        line
        for line in published.splitlines()
        if project_name(line) not in replaced
    ]
    return '\n'.join([*theirs, *ours, ''])


def output(*command: str) -> str:
    """Return what a command prints; its errors are shown."""
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def resolve(python: str, series: Series, constraints: str) -> set[str]:
    """Return the pins of all that this Python would need."""
    with tempfile.NamedTemporaryFile('w', suffix='.txt') as listed:
        listed.write(constraints)
        listed.flush()
        report = output(
            sys.executable,
            '-m',
            'pip',
            f'--python={python}',
            'install',
            '--dry-run',
            '--ignore-installed',
            '--quiet',
            '--report=-',
            f'--constraint={listed.name}',
            f'--editable=.[{series.extras}]',
            f'nova=={series.nova}',
            f'openstack-placement=={series.placement}',
            *series.services,
        )
    return {
        '{metadata[name]}=={metadata[version]}'.format(**package)
        for package in json.loads(report)['install']
        if not package['is_direct']  # the package itself
    }


def merge(pins: dict[str, set[str]]) -> list[str]:
    """Return sorted lines, with a marker where the Pythons differ.

    :param pins: the pins of each Python version
    """
    everywhere = set.intersection(*pins.values())
    somewhere = {
        f"{pin};python_version=='{version}'"
        for version, found in pins.items()
        for pin in found - everywhere
    }
    return sorted(
        everywhere | somewhere, key=lambda line: (project_name(line), line)
    )


def main() -> None:
    """Write the file of the series given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('series', choices=SERIES)
    parser.add_argument(
        '--python',
        action='append',
        # pip takes a path only.
        type=lambda name: shutil.which(name) or name,
        help='resolve for this interpreter too (default: the running one)',
    )
    parser.add_argument(
        '--upper-constraints',
        metavar='FILE_OR_URL',
        help=f'the published list (default: {UPPER_CONSTRAINTS}SERIES)',
    )
    args = parser.parse_args()

    series = SERIES[args.series]
    constraints = adapt(
        read_published(
            args.upper_constraints or UPPER_CONSTRAINTS + args.series
        ),
        series.deviations,
    )
    show_version = 'import sys; print("%d.%d" % sys.version_info[:2], end="")'
    pins = {
        output(python, '-c', show_version): resolve(
            python, series, constraints
        )
        for python in args.python or [sys.executable]
    }
    header = HEADER.format(
        name=args.series,
        series=series,
        extras=series.extras,
        pythons=', '.join(pins),
    )
    if series.deviations:
        header += '#\n# Deviations from that list:\n'
        for requirement, reason in series.deviations:
            header += f'# - {requirement}: {reason}\n'
    target = pathlib.Path('constraints', f'{args.series}.txt')
    target.write_text('\n'.join([header, *merge(pins), '']))


if __name__ == '__main__':
    main()

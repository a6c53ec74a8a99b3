# SPDX-License-Identifier: Apache-2.0
"""``snapshot save`` and ``snapshot show``."""

import argparse
import collections
import pathlib
from collections.abc import Iterator

from hypervisor_affinity import writing
from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import progress
from hypervisor_affinity.cli.base import CloudCommand
from hypervisor_affinity.cli.listing import FittedCommand
from hypervisor_affinity.cli.vcenter.reading import VCenterReading
from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.snapshot import SECTIONS
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.core.hypervisor import title
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.offers import HostOffers


class Save(VCenterReading, CloudCommand):
    """Write a snapshot of the cloud into a file.

    It has hosts, aggregates, flavors, images and servers, as far as they
    matter for placing servers, vCenters, if any are named, and no passwords.
    Reading the servers of all projects needs an administrator's rights.
    """

    needs_vcenters = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'file',
            type=writing.named,
            help='FILE.json, or FILE.yaml for people to read; an existing '
            'file is replaced; - is standard output, as JSON',
        )
        return parser

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return what each row has."""
        return 'Section', 'Elements'

    def check(self, parsed_args: argparse.Namespace) -> None:
        """See that the file can be written."""
        super().check(parsed_args)
        base.check_written(parsed_args.file)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Write the file; return how much is in it."""
        self.is_stdout_taken = parsed_args.file == writing.STANDARD_OUTPUT
        with self.reading(parsed_args) as reading:
            counts = files.save(
                reading.source, parsed_args.file, progress.counted
            )
        return self.columns(parsed_args), list(counts.items())


class Show(FittedCommand):
    """Check a whole snapshot, and show what is in it."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument('file', type=pathlib.Path)
        return parser

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return what each row has."""
        return 'Section', 'Kind', 'Elements'

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the number of elements, by what they are."""
        source = files.FileSource(parsed_args.file)
        self.say(
            parsed_args,
            f'Taken at {source.taken_at or "an unknown time"} from '
            f'{source.taken_from or "an unknown cloud"}',
        )
        rows = [
            (section, kind, count)
            for section in SECTIONS
            for kind, count in sorted(_kinds(source, section).items())
        ]
        return self.columns(parsed_args), rows


def _kinds(source: Source, section: str) -> collections.Counter[str]:
    kinds = {
        'hosts': _hosts,
        'aggregates': _aggregates,
        'flavors': lambda source: ('' for _ in source.flavors()),
        'images': lambda source: (
            image.disk_format or 'no format' for image in source.images()
        ),
        'vcenters': lambda source: (
            'unreadable' if vcenter.error else 'readable'
            for vcenter in source.vcenters()
        ),
        'servers': lambda source: (s.status for s in source.servers()),
    }
    return collections.Counter(
        progress.counted(section, kinds[section](source))
    )


def _hosts(source: Source) -> Iterator[str]:
    offers = HostOffers(source.aggregates(), Policy())
    for host in source.hosts():
        families = offers.offer(host).families
        yield title(families) if families else 'no hypervisor'


def _aggregates(source: Source) -> Iterator[str]:
    offers = HostOffers((), Policy())
    for aggregate in source.aggregates():
        yield 'tagged' if offers.is_tagged(aggregate) else 'not tagged'

# SPDX-License-Identifier: Apache-2.0
"""What the commands that read vCenters have in common."""

import argparse
import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator

from hypervisor_affinity.cli import base
from hypervisor_affinity.cli.base import CloudReading
from hypervisor_affinity.cli.base import CommandLineError
from hypervisor_affinity.cloud import vcenter
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.cloud.vcenter import options
from hypervisor_affinity.operations.vcenter.servers import SecondLook


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What is read.

    :ivar again: confirms what looks wrong; None for a snapshot
    :ivar vcenters: their names, and what reads each again
    """

    source: Source
    again: SecondLook | None
    vcenters: tuple[tuple[str, Callable[[], VCenter]], ...]


def _as_it_was(known: VCenter) -> VCenter:
    return known


class VCenterReading(CloudReading):
    """A command that reads a cloud and its vCenters, or a snapshot of both.

    * ``needs_vcenters``: whether it makes no sense without them
    * ``finds_open_files``: whether its answer has files with passwords that
      everybody may read; otherwise this is said beside it
    """

    needs_vcenters = True
    finds_open_files = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser with the argument for the vCenters."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--vcenter-conf',
            action='append',
            default=[],
            metavar='FILE',
            help='read the vCenter of this file: the nova.conf of a '
            'nova-compute with [vmware], or a file with '
            '[hypervisor_affinity_vcenter]; may be given several times',
        )
        return parser

    def check(self, parsed_args: argparse.Namespace) -> None:
        """See that the arguments tell what to read.

        :raises CommandLineError: if they do not
        """
        if parsed_args.snapshot and parsed_args.vcenter_conf:
            raise CommandLineError(
                '--vcenter-conf cannot be combined with --snapshot, which has '
                'its own vCenters'
            )
        if self.needs_vcenters and not (
            parsed_args.snapshot or parsed_args.vcenter_conf
        ):
            raise CommandLineError(
                'no vCenter to read: name the nova.conf of each nova-compute '
                'with the vSphere driver with --vcenter-conf, or read a file '
                'with --snapshot'
            )
        super().check(parsed_args)

    @contextlib.contextmanager
    def reading(self, parsed_args: argparse.Namespace) -> Iterator[Reading]:
        """Return what is to be read; log out of it in the end.

        :raises CommandError: if no cloud is named, and it is needed
        :raises SourceError: if a file cannot be read
        """
        files = parsed_args.vcenter_conf
        if not files:
            source = self.source(parsed_args)
            yield Reading(
                source,
                again=None,
                vcenters=tuple(
                    (known.name, functools.partial(_as_it_was, known))
                    for known in source.vcenters()
                ),
            )
            return
        accesses = options.read_accesses(files)
        for file, name in base.misspelt_in(files):
            self.tell(f'{self.cmd_name}: {file}: {name}')
        if not self.finds_open_files:
            self._warn(accesses)
        with vcenter.connect(accesses) as vcenters:
            source = self.source(parsed_args, vcenters.read)
            yield Reading(
                source,
                again=SecondLook(vcenters.find_vm, source.server),
                vcenters=tuple((one.name, one.read) for one in vcenters.each),
            )

    def _warn(self, accesses: Iterable[options.Access]) -> None:
        for compute in (c for access in accesses for c in access.computes):
            if compute.open_to_all:
                self.app.stderr.write(
                    f'{self.cmd_name}: {compute.file}: every user of this '
                    'machine can read the vCenter password in it; run chmod '
                    'o-rwx on it\n'
                )

# SPDX-License-Identifier: Apache-2.0
"""``image inspect``."""

import argparse
import errno
import os
import pathlib
from collections.abc import Iterator

from hypervisor_affinity.cli import base
from hypervisor_affinity.cli.base import PolicyCommand
from hypervisor_affinity.cli.image import wishes
from hypervisor_affinity.cli.image.size import Size
from hypervisor_affinity.cloud.glance import Glance
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image import inspection
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import Declared
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.fitting import Fitting
from hypervisor_affinity.image.fitting import fit
from hypervisor_affinity.image.formats import sectors
from hypervisor_affinity.image.several import Several
from hypervisor_affinity.image.travel import travel
from hypervisor_affinity.operations.prediction import declared
from hypervisor_affinity.operations.prediction import predict

_TAKERS = {
    'glance': acceptance.by_glance,
    'kvm': acceptance.by_kvm,
    'vsphere': acceptance.by_vsphere,
}
_Row = tuple[str, str, object]
_WORDS = {True: 'accepts it', False: 'refuses it'}

# Of an OVA with several disks: the parts that are about the archive.
_OF_ARCHIVE = frozenset({*_TAKERS, 'demand', 'travel'})

# How many disks of one are inspected, which takes some time for each.
_INSPECTED = 10


class Inspect(wishes.WishesReading, PolicyCommand):
    """Show what a disk is, who accepts it, and which properties fit it.

    Exits with status 1 if Glance refuses a file, or if an image in Glance
    boots neither on KVM nor on vSphere.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'disk',
            metavar='FILE|IMAGE',
            help='a disk or an OVA; if there is no such file, the name or id '
            'of an image in Glance, of which a few MiB are read',
        )
        parser.add_argument(
            '--disk',
            dest='member',
            metavar='NAME',
            help='name of the disk in an OVA with several disks; without it, '
            'all are listed',
        )
        wishes.add_arguments(parser)
        return parser

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return what each row has."""
        return 'Part', 'Subject', 'Value'

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return what was found out."""
        policy = self.policy(parsed_args)
        wished = self.wishes(parsed_args)
        disk = self._inspected(parsed_args)
        if isinstance(disk, Several):
            fit(disk.disk, wished)
            return self._several(parsed_args, disk, policy)
        fitting = fit(disk, wished)
        if not _is_good(disk):
            self.status = base.NEGATIVE
        self.say(parsed_args, _headline(disk, fitting, policy))
        rows = list(_rows(disk, fitting, policy))
        return self.columns(parsed_args), rows

    def _inspected(self, parsed_args: argparse.Namespace) -> Disk | Several:
        path = pathlib.Path(parsed_args.disk)
        if os.sep in parsed_args.disk or _is_there(path):
            # What takes long is left to who uses the disk.
            return inspection.inspect_all(
                path, parsed_args.member, _INSPECTED, briefly=True
            )
        if parsed_args.snapshot:
            raise base.CommandError(
                f'{path}: no such file, and a snapshot has no disks; '
                '"classify" shows what the snapshot has of an image'
            )
        try:
            source = self.source(parsed_args)
        except base.CommandError as error:
            raise base.CommandError(
                f'{path}: no such file, and {error}'
            ) from error
        image = source.image(parsed_args.disk)
        glance = Glance(self.connection())
        stored = glance.stored(image.id)
        return inspection.inspect_image_all(
            glance.content(stored),
            declared(stored),
            parsed_args.member,
            _INSPECTED,
        )

    def _several(
        self,
        parsed_args: argparse.Namespace,
        several: Several,
        policy: Policy,
    ) -> tuple:
        """Return what was found out of an OVA with several disks."""
        disk = several.disk
        if not _is_good(disk):
            self.status = base.NEGATIVE
        number = len(several.found) + len(several.rest)
        self.say(
            parsed_args,
            f'{disk.name}: an OVA with {number} disks; Glance accepts it; '
            f'{acceptance.nowhere(disk)}',
            *_complaint(disk, several),
        )
        rows = [
            *_listed_rows(several.found),
            *(_missing_rows(disk.appliance) if disk.appliance else ()),
            *(
                (f'disk {name}', 'not inspected', 'name it with --disk')
                for name in several.rest
            ),
            (
                'question',
                'for the owner',
                'which disk does the guest boot from? An OVF does not say '
                'that; "image prepare --disk all" extracts all of them',
            ),
            *(
                row
                for row in _rows(disk, Fitting({}), policy)
                if row[0] in _OF_ARCHIVE
            ),
        ]
        return self.columns(parsed_args), rows


def _complaint(disk: Disk, several: Several) -> list[str]:
    if disk.declared or not several.complaints:
        return []
    return [
        '"image upload" does not upload it, since not all of its disks can be '
        'used: see the complaints'
    ]


def _listed_rows(found: dict[str, Disk | DiskError]) -> Iterator[_Row]:
    for name, disk in found.items():
        part = f'disk {name}'
        if isinstance(disk, DiskError):
            yield part, 'complaint', str(disk)
            continue
        yield from _known(
            part, {'format': disk.format, 'subformat': disk.create_type}
        )
        yield part, 'virtual size', Size(disk.virtual_bytes)


def _is_good(disk: Disk) -> bool:
    if not disk.declared:
        return acceptance.by_glance(disk).accepts
    return acceptance.nowhere(disk) is None


def _file(parsed_args: argparse.Namespace) -> pathlib.Path | None:
    """Return the file to look at; None if it is an image in Glance."""
    path = pathlib.Path(parsed_args.disk)
    return path if len(path.parts) > 1 or _is_there(path) else None


def _is_there(path: pathlib.Path) -> bool:
    """Tell whether there is such a file or link, or one may not look."""
    try:
        return path.is_symlink() or path.exists()
    except OSError as error:
        # An image may have a longer name than a file.
        return error.errno != errno.ENAMETOOLONG


def _headline(disk: Disk, fitting: Fitting, policy: Policy) -> str:
    kind = ' '.join(filter(None, (disk.format, disk.create_type)))
    accepts, why = acceptance.by_glance(disk)
    if not accepts:
        return f'{disk.name}: {kind}; Glance refuses it: {why}'
    changes = _changes(disk, fitting)
    given = 'with these properties, ' if changes else ''
    demand = _predicted(disk, changes, policy)
    outcome = acceptance.nowhere(disk)
    if not outcome:
        but = acceptance.nowhere(disk, demand.required)
        outcome = given + ', but '.join(
            filter(None, [demand_text(demand), but])
        )
    if disk.declared:
        return f'image {disk.name}: content is {kind}; {outcome}'
    return f'{disk.name}: {kind}; Glance accepts it; {outcome}'


def _changes(disk: Disk, fitting: Fitting) -> dict[str, str]:
    """Return the properties to set: those that an image does not have."""
    return {
        name: value
        for name, value in fitting.properties.items()
        if disk.properties.get(name) != value
    }


def _rows(disk: Disk, fitting: Fitting, policy: Policy) -> Iterator[_Row]:
    if disk.declared:
        yield from _declared_rows(disk.declared)
    yield from _disk_rows(disk)
    if disk.appliance:
        yield from _appliance_rows(disk.appliance)
    for taker, answer in _TAKERS.items():
        accepts, why = answer(disk)
        yield taker, _WORDS[accepts], why
    if warning := sectors.warning(disk):
        yield 'warning', 'sector size', warning
    for text in disk.left_out:
        yield 'warning', 'not checked', text
    changes = _changes(disk, fitting)
    for name, value in changes.items():
        yield 'property', name, value
    for question in fitting.questions:
        yield 'question', 'for the owner', question
    as_it_is = 'as it is' if disk.declared else 'without properties'
    yield 'demand', as_it_is, _demand(disk, {}, policy)
    if changes:
        demand = _demand(disk, changes, policy)
        yield 'demand', 'with these properties', demand
    if acceptance.by_glance(disk).accepts:
        yield from _travel_rows(disk)


def _demand(disk: Disk, changes: dict[str, str], policy: Policy) -> str:
    return demand_text(_predicted(disk, changes, policy))


def _predicted(disk: Disk, changes: dict[str, str], policy: Policy) -> Demand:
    return predict(disk, {**disk.properties, **changes}, policy)


def _declared_rows(declared: Declared) -> Iterator[_Row]:
    yield from _known(
        'image',
        {
            'disk_format': declared.disk_format,
            'container_format': declared.container_format,
            'disk type': declared.disk_type,
        },
    )


def _disk_rows(disk: Disk) -> Iterator[_Row]:
    yield from _known(
        'disk',
        {
            'format': disk.format,
            'subformat': disk.create_type,
            'adapter type': disk.adapter_type,
            'hardware version': disk.hardware_version,
        },
    )
    sizes = {
        'virtual size': disk.virtual_bytes,
        'sector size': disk.sector_bytes,
        'grain': disk.grain_bytes,
        'size of files': disk.file_bytes,
        'allocated': disk.allocated_bytes,
    }
    for subject, size in sizes.items():
        if size is not None:
            yield 'disk', subject, Size(size)
    for extent in () if disk.is_one_file else disk.extents:
        name = f'{extent.kind} {extent.file}'
        yield 'extent', name, Size(extent.virtual_bytes)


def _appliance_rows(appliance: Appliance) -> Iterator[_Row]:
    yield from _known(
        'ova',
        {
            'disk': appliance.member,
            'guest id': appliance.guest_id,
            'adapter type': appliance.adapter_type,
            'controller': _strange(appliance.strange_controller),
            'network adapter': appliance.vif_model,
            'digest': appliance.digest,
        },
    )
    for name in appliance.others:
        yield 'ova', 'another disk', name
    yield from _missing_rows(appliance)


def _missing_rows(appliance: Appliance) -> Iterator[_Row]:
    for name in appliance.missing:
        yield (
            'ova',
            'missing file',
            f'{name}: the manifest lists it; get the archive again, or '
            '"image upload" does not upload it',
        )


def _strange(controller: str | None) -> str | None:
    return controller and (
        f'{controller}; nova has no vmware_adaptertype for it: choose one for '
        'which the guest has a driver with "image prepare --adapter-type"'
    )


def _travel_rows(disk: Disk) -> Iterator[_Row]:
    found = travel(disk)
    yield 'travel', 'to Glance', Size(found.to_glance)
    if found.to_datastore is not None:
        yield 'travel', 'to each datastore', Size(found.to_datastore)
        word = ', at most' if found.thin else ''
        yield 'travel', f'kept there{word}', Size(found.on_datastore)


def _known(part: str, values: dict[str, str | None]) -> Iterator[_Row]:
    for subject, value in values.items():
        if value is not None:
            yield part, subject, value

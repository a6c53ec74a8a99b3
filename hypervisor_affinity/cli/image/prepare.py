# SPDX-License-Identifier: Apache-2.0
"""``image prepare``."""

import argparse
import os
import pathlib

from hypervisor_affinity import writing
from hypervisor_affinity.cli import pasting
from hypervisor_affinity.cli import progress
from hypervisor_affinity.cli.base import Command
from hypervisor_affinity.cli.image import wishes
from hypervisor_affinity.cli.image.size import Size
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image import preparation
from hypervisor_affinity.image.appliance import ova
from hypervisor_affinity.image.appliance.manifest import Watch
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.formats import sectors
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import Prepared
from hypervisor_affinity.image.size import shown

# How much of a wrong number is shown.
_SHOWN = 40

# Instead of a disk's name.
_ALL = 'all'


class Prepare(Command):
    """Convert a disk to a small VMDK that Glance accepts.

    The source may be VMDK, qcow2, raw, VDI, VHD, VHDX or an OVA.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'source',
            metavar='SOURCE',
            type=pathlib.Path,
            help='a disk, the descriptor of a VMDK in several files, or an '
            'OVA',
        )
        parser.add_argument(
            'target',
            metavar='TARGET',
            type=_target,
            nargs='?',
            help='default: the name of the source with .vmdk, in the current '
            'directory',
        )
        parser.add_argument(
            '--type',
            choices=preparation.CREATE_TYPES,
            default=preparation.CREATE_TYPES[0],
            help='subformat of the VMDK; the default, streamOptimized, is '
            'compressed; Glance and KVM refuse monolithicFlat',
        )
        wishes.add_adapter_type(
            parser,
            'vmware_adaptertype of the image; default: that of the source, or '
            f'else {preparation.DEFAULT_ADAPTER_TYPE}',
        )
        parser.add_argument(
            '--hardware-version',
            metavar='NUMBER',
            type=_hardware_version,
            help='hardware version of the disk, not of the servers; default: '
            'that of the source, or else '
            f'{preparation.DEFAULT_HARDWARE_VERSION}',
        )
        _add_further(parser)
        return parser

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return what each row has."""
        return 'Part', 'Source', 'Target'

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return what was read and what was written."""
        with writing.orderly_end(), progress.steps() as show:
            all_done: list[Prepared] = []
            for member, target in _targets(parsed_args).items():
                try:
                    done = _prepared(parsed_args, member, target, show)
                except DiskError as error:
                    raise _after(all_done, error) from error
                all_done.append(done)
        for done in all_done:
            lines = [_headline(done), *_warnings(done), _next(done)]
            if not parsed_args.adapter_type:
                lines += _strange(done)
            self.say(parsed_args, *lines)
        rows = [row for done in all_done for row in _rows(done)]
        return self.columns(parsed_args), rows


def _add_further(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--disk',
        dest='member',
        metavar='NAME',
        help='name of the disk in an OVA with several disks, or all: then '
        'TARGET is a directory',
    )
    parser.add_argument(
        '--replace',
        action='store_true',
        help='replace an existing TARGET after all checks have passed',
    )
    parser.add_argument(
        '--skip-space-check',
        action='store_true',
        help='try even if the file system may not have enough space',
    )


def _target(text: str) -> pathlib.Path:
    path = writing.named(text)
    if path == writing.STANDARD_OUTPUT:
        raise argparse.ArgumentTypeError(
            'a disk cannot be written to standard output, since it is read '
            'again; for a file of this name, give ./-'
        )
    return path


def _hardware_version(text: str) -> int:
    if found := preparation.hardware_version(text):
        return found
    versions = preparation.HARDWARE_VERSIONS
    raise argparse.ArgumentTypeError(
        f'{text[:_SHOWN]!r} is not a number from {versions[0]} to '
        f'{versions[-1]}'
    )


def _default_target(source: pathlib.Path, create_type: str) -> pathlib.Path:
    target = pathlib.Path(f'{source.stem}.vmdk')
    if target.absolute() == source.absolute():
        return target.with_stem(f'{target.stem}-{create_type}')
    return target


def _targets(
    parsed_args: argparse.Namespace,
) -> dict[str | None, pathlib.Path]:
    """Return what to write; disk in an OVA -> file.

    :raises DiskError: if it could not all be written
    """
    if parsed_args.member != _ALL:
        target = parsed_args.target or _default_target(
            parsed_args.source, parsed_args.type
        )
        return {parsed_args.member: target}
    directory = parsed_args.target or pathlib.Path()
    if not directory.is_dir():
        raise DiskError(
            f'{directory}: no such directory; with --disk {_ALL}, TARGET is '
            'one'
        )
    names = ova.names(parsed_args.source)
    stems = [pathlib.PurePosixPath(name).stem for name in names]
    if len(set(stems)) < len(stems):
        stems = [f'{number}-{stem}' for number, stem in enumerate(stems, 1)]
    targets = [directory / f'{stem}.vmdk' for stem in stems]
    for target in targets:
        if os.path.lexists(target) and not parsed_args.replace:
            raise DiskError(
                f'{target}: exists; choose another directory, or use --replace'
            )
    return dict(zip(names, targets, strict=True))


def _prepared(
    parsed_args: argparse.Namespace,
    member: str | None,
    target: pathlib.Path,
    watch: Watch,
) -> Prepared:
    return preparation.prepare(
        parsed_args.source,
        target,
        Form(
            parsed_args.type,
            parsed_args.adapter_type,
            parsed_args.hardware_version,
        ),
        member=member,
        replace=parsed_args.replace,
        check_space=not parsed_args.skip_space_check,
        watch=watch,
    )


def _after(done: list[Prepared], error: DiskError) -> DiskError:
    """Return an error that names the disks that were written before it."""
    if not done:
        return error
    names = ', '.join(prepared.target.name for prepared in done)
    return DiskError(f'{error}. Written before: {names}')


def _headline(done: Prepared) -> str:
    before, now = done.source.file_bytes, done.target.file_bytes
    less = f': {(before - now) * 100 // before} % less' if now < before else ''
    return (
        f'{done.target.name}: has the content of {done.source.name}; '
        f'{shown(now)} to transfer instead of {shown(before)}{less}'
    )


def _warnings(done: Prepared) -> list[str]:
    warning = sectors.warning(done.target)
    return [f'{done.target.name}: {warning}'] if warning else []


def _next(done: Prepared) -> str:
    glance = acceptance.by_glance(done.target)
    if not glance.accepts:
        return f'Glance refuses it: {glance.why}'
    words = [
        *('hypervisor-affinity', 'image', 'upload'),
        pasting.file(done.target.name),
        *('--adapter-type', done.form.adapter_type),
    ]
    if appliance := done.source.appliance:
        if appliance.guest_id:
            words += pasting.option('--guest-id', appliance.guest_id)
        if appliance.vif_model:
            words += pasting.option('--vif-model', appliance.vif_model)
    return f'Next: {pasting.line(words)}'


def _strange(done: Prepared) -> list[str]:
    """Ask for the adapter that the OVF tells in words that nova has not."""
    appliance = done.source.appliance
    if not appliance or not appliance.strange_controller:
        return []
    return [
        f'The OVF has {appliance.member} on {appliance.strange_controller}, '
        'for which nova has no vmware_adaptertype. If the guest has no driver '
        f'for {done.form.adapter_type}, use --adapter-type'
    ]


def _rows(done: Prepared) -> list[tuple[str, object, object]]:
    source, target = done.source, done.target
    warning = sectors.warning(target)
    return [
        ('file', _file(source), target.name),
        ('format', _format(source), _format(target)),
        (
            'adapter type',
            source.adapter_type or '',
            f'{target.adapter_type}, for '
            + written('vmware_adaptertype', done.form.adapter_type),
        ),
        (
            'hardware version',
            source.hardware_version or '',
            target.hardware_version,
        ),
        (
            'virtual size',
            Size(source.virtual_bytes),
            Size(target.virtual_bytes),
        ),
        ('size of files', Size(source.file_bytes), Size(target.file_bytes)),
        ('content', 'compared', 'identical'),
        *([('warning', '', warning)] if warning else []),
    ]


def _file(disk: Disk) -> str:
    if disk.appliance and disk.appliance.others:
        return f'{disk.name}, {disk.appliance.member}'
    return disk.name


def _format(disk: Disk) -> str:
    words = [disk.format]
    if disk.create_type:
        words.append(disk.create_type)
    if disk.appliance:
        words.append('in an OVA')
    return ' '.join(words)

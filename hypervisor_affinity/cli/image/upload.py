# SPDX-License-Identifier: Apache-2.0
"""``image upload``."""

import argparse
import dataclasses
import pathlib
import re
import textwrap
from collections.abc import Mapping
from typing import Any

from hypervisor_affinity.cli import pasting
from hypervisor_affinity.cli import progress
from hypervisor_affinity.cli.base import CommandError
from hypervisor_affinity.cli.base import Connecting
from hypervisor_affinity.cli.base import PolicyReading
from hypervisor_affinity.cli.base import Refusal
from hypervisor_affinity.cli.base import ShowCommand
from hypervisor_affinity.cli.cells import Lines
from hypervisor_affinity.cli.image import wishes
from hypervisor_affinity.cli.image.size import Size
from hypervisor_affinity.cloud import glance_images
from hypervisor_affinity.cloud.glance import Glance
from hypervisor_affinity.cloud.glance_images import Stored
from hypervisor_affinity.cloud.openstack import CloudSource
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.image_meta import Fate
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image import inspection
from hypervisor_affinity.image.appliance import manifest
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.fitting import Fitting
from hypervisor_affinity.image.fitting import fit
from hypervisor_affinity.image.formats import sectors
from hypervisor_affinity.image.several import Several
from hypervisor_affinity.operations.prediction import predict
from hypervisor_affinity.operations.uploading import Plan
from hypervisor_affinity.operations.uploading import Upload as Uploading
from hypervisor_affinity.operations.uploading import UploadError

_VISIBILITIES = {
    'public': 'for all projects',
    'community': 'for all projects that ask for it by its id',
    'shared': "for this project and members; Glance's default",
    'private': 'for this project',
}

_OF_STORED = tuple(
    field.name
    for field in dataclasses.fields(Stored)
    if field.name != 'is_importing'
)
_OF_PLAN = (
    'name',
    'disk_format',
    'container_format',
    'size',
    'properties',
    'demand',
)

# Of these, the disk itself says what they have to be.
_FACTS = frozenset({'vmware_disktype', 'vmware_adaptertype'})


class Properties(Lines):
    """Image properties: one in a line of a table, a mapping elsewhere."""

    def lines(self) -> list[str]:
        """Return one for each."""
        return list(map('='.join, self._value.items()))


class Digest(Lines):
    """Hexadecimal digits: in several lines of a table."""

    def lines(self) -> list[str]:
        """Return lines of the same length."""
        return textwrap.wrap(self._value, 32)


class Upload(wishes.WishesReading, PolicyReading, Connecting, ShowCommand):
    """Upload a disk to Glance as an image, with the properties that fit it.

    A disk that Glance would refuse is not uploaded; the command then exits
    with status 1. With status 0, Glance has the content of the file.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'file',
            metavar='FILE',
            type=pathlib.Path,
            help='a disk in one file, or an OVA',
        )
        parser.add_argument(
            '--name',
            help='name of the image; default: the file name without its '
            'suffix',
        )
        wishes.add_arguments(parser)
        parser.add_argument(
            '--property',
            action='append',
            default=[],
            dest='properties',
            metavar='NAME=VALUE',
            type=_property,
            help='another image property; may be given several times',
        )
        _add_visibility(parser)
        parser.add_argument(
            '--import',
            action='store_true',
            dest='by_import',
            help="upload with Glance's import (glance-direct) and the plugins "
            'that are enabled there',
        )
        last = parser.add_mutually_exclusive_group()
        last.add_argument(
            '--resume',
            metavar='IMAGE',
            help='continue an interrupted upload to this image; give its '
            'other arguments again',
        )
        last.add_argument(
            '--dry-run',
            action='store_true',
            help='upload nothing and contact no cloud; show the '
            'OpenStackClient command that would do the same',
        )
        return parser

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return the image's, or those of what it would be."""
        if not parsed_args.dry_run:
            return (*_OF_STORED, 'demand')
        if parsed_args.formatter == 'table':
            return _OF_PLAN
        # Above a table, the command stands in lines of its own.
        return (*_OF_PLAN, 'command')

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the image, or what it would be."""
        policy = self.policy(parsed_args)
        disk = _whole(parsed_args.file)
        fitting = fit(disk, self.wishes(parsed_args))
        plan = self._plan(parsed_args, disk, fitting)
        _check(disk, plan)
        with progress.steps() as show:
            manifest.check_all(plan.path, disk.appliance, show)

        demand = predict(disk, plan.properties, policy)
        refusal = acceptance.nowhere(disk, demand.required)
        self.say(
            parsed_args,
            f'{plan.path}: {demand_text(demand)}',
            *filter(None, [refusal, sectors.warning(disk)]),
            *fitting.questions,
        )
        if parsed_args.dry_run:
            return self._shown(parsed_args, plan, demand_text(demand))
        stored = self._upload(parsed_args, plan)
        self.say(
            parsed_args,
            f'checksum verified ({_algorithm(str(stored.os_hash_algo))})',
        )
        # A plugin of Glance may have added some.
        demand = predict(disk, stored.properties, policy)
        fields = _fields(stored, demand_text(demand))
        return self._answer_of(parsed_args, fields)

    def _shown(
        self, parsed_args: argparse.Namespace, plan: Plan, demand: str
    ) -> tuple:
        first, *others = map(pasting.line, _command(plan))
        lines = [first, *(f'  {line}' for line in others)]
        shown = [f'{line} \\' for line in lines[:-1]] + lines[-1:]
        self.say(parsed_args, '', *shown, '')
        fields = {
            'name': plan.name,
            'disk_format': plan.disk_format,
            'container_format': plan.container_format,
            'size': Size(plan.path.stat().st_size),
            'properties': Properties(plan.properties),
            'demand': demand,
            'command': ' '.join([first, *others]),
        }
        return self._answer_of(parsed_args, fields)

    def _answer_of(
        self, parsed_args: argparse.Namespace, fields: Mapping[str, Any]
    ) -> tuple:
        columns = self.columns(parsed_args)
        return columns, tuple(fields[name] for name in columns)

    def _upload(self, parsed_args: argparse.Namespace, plan: Plan) -> Stored:
        connection = self.connection()
        size = plan.path.stat().st_size
        with progress.steps() as show:
            upload = Uploading(
                Glance(connection),
                plan,
                lambda sent: show('uploading', sent / size),
            )
            try:
                if not parsed_args.resume:
                    return upload.begin()
                image = CloudSource(connection).image(parsed_args.resume)
                return upload.resume(image.id)
            except (SourceError, UploadError) as error:
                hint = f'. {_hint(upload.kept)}' if upload.kept else ''
                raise CommandError(f'{error}{hint}') from error
            except KeyboardInterrupt:
                if upload.kept:
                    self.tell(_hint(upload.kept))
                raise

    def _plan(
        self, parsed_args: argparse.Namespace, disk: Disk, fitting: Fitting
    ) -> Plan:
        asked = dict(parsed_args.properties)
        for name in _FACTS & asked.keys() & fitting.properties.keys():
            if asked[name] != fitting.properties[name]:
                raise CommandError(
                    f'{written(name, asked[name])} does not fit {disk.name}: '
                    f'it is {fitting.properties[name]}'
                )
        return Plan(
            path=parsed_args.file,
            name=parsed_args.name or parsed_args.file.stem,
            disk_format=disk.format,
            container_format=disk.container_format,
            properties={**fitting.properties, **asked},
            visibility=parsed_args.visibility,
            by_import=parsed_args.by_import,
        )


def _whole(path: pathlib.Path) -> Disk:
    """Return what is in a file; of several disks, the one that nova takes.

    :raises DiskError: if something of it cannot be used
    """
    found = inspection.inspect_all(path)
    if not isinstance(found, Several):
        return found
    for complaint in found.complaints:
        raise complaint
    return found.disk


def _add_visibility(parser: argparse.ArgumentParser) -> None:
    visibility = parser.add_mutually_exclusive_group()
    for word, text in _VISIBILITIES.items():
        visibility.add_argument(
            f'--{word}',
            action='store_const',
            const=word,
            dest='visibility',
            help=text,
        )


def _algorithm(name: str) -> str:
    """Return Glance's ``os_hash_algo`` as people write it: ``SHA-512``."""
    return re.sub(r'^SHA(?=[0-9])', 'SHA-', name.upper())


def _hint(kept: str) -> str:
    return (
        f'Image {kept} is kept; to continue, repeat the command with --resume '
        f'{kept}'
    )


def _property(text: str) -> tuple[str, str]:
    name, sign, value = text.partition('=')
    if not (name and sign):
        raise argparse.ArgumentTypeError(f'{text!r} is not NAME=VALUE')
    if name in glance_images.ATTRIBUTES or name.startswith(
        glance_images.RESERVED
    ):
        raise argparse.ArgumentTypeError(
            f'{name} is an attribute of images; it cannot be set as a property'
        )
    return name, value


def _check(disk: Disk, plan: Plan) -> None:
    """Refuse what Glance would refuse, or nova-api, or nova not read.

    :raises Refusal: saying what to do
    """
    glance_says = acceptance.by_glance(disk)
    if not glance_says.accepts:
        raise Refusal(f'{plan.path}: Glance refuses it: {glance_says.why}')
    for name, value, fate, outcome in image_meta.treat(plan.properties):
        if fate is Fate.REFUSED:
            raise Refusal(
                f'{written(name, value)}: nova-api refuses every server with '
                f'such an image: {outcome}'
            )
        if fate is Fate.OVERRIDDEN:
            raise Refusal(
                f'{written(name, value)}: nova would not read it, since '
                "nova's own name for it is set, too; leave it out"
            )


def _command(plan: Plan) -> list[list[str]]:
    """Return OpenStackClient's command, as groups of words for lines."""
    words = [
        ['openstack', 'image', 'create'],
        ['--disk-format', plan.disk_format],
        ['--container-format', plan.container_format],
    ]
    for item in plan.properties.items():
        words.append(pasting.option('--property', '='.join(item)))
    if plan.visibility:
        words.append([f'--{plan.visibility}'])
    if plan.by_import:
        words.append(['--import'])
    file = pasting.file(plan.path)
    return [*words, ['--file', file], pasting.arguments(plan.name)]


def _fields(stored: Stored, demand: str) -> dict[str, Any]:
    fields = dataclasses.asdict(stored)
    for name in ('size', 'virtual_size'):
        if fields[name] is not None:
            fields[name] = Size(fields[name])
    fields['os_hash_value'] = Digest(stored.os_hash_value)
    fields['properties'] = Properties(stored.properties)
    return {**fields, 'demand': demand}

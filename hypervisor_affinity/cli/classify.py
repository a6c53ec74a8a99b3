# SPDX-License-Identifier: Apache-2.0
"""``classify``."""

import argparse
import pathlib
from collections.abc import Iterable

from hypervisor_affinity.cli.base import CloudReading
from hypervisor_affinity.cli.base import PolicyReading
from hypervisor_affinity.cli.listing import FittedCommand
from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.image_meta import Fate
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.core.signs import Sign
from hypervisor_affinity.core.signs import Strength
from hypervisor_affinity.operations.classification import Classification
from hypervisor_affinity.operations.classification import classify_image
from hypervisor_affinity.operations.classification import runs_nowhere

_FATES = {
    Fate.KEPT: 'read as it is',
    Fate.RENAMED: 'read as {}',
    Fate.OVERRIDDEN: "not read: nova's own name for it is set, too",
    Fate.REFUSED: 'nova-api refuses requests with this image: {}',
    Fate.DROPPED: 'not known to nova: no scheduler ever sees it',
}


class Classify(PolicyReading, CloudReading, FittedCommand):
    """Show which hypervisor an image needs, why, and what would change it."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        image = parser.add_mutually_exclusive_group(required=True)
        image.add_argument('image', nargs='?', help='name or id of an image')
        image.add_argument(
            '--file',
            type=pathlib.Path,
            metavar='FILE',
            help='file with properties and formats of an image, in YAML or '
            'JSON, such as disk_format: vmdk',
        )
        parser.add_argument(
            '--flavor',
            metavar='FLAVOR',
            help='name or id of the flavor to boot with; its extra specs are '
            'read, too',
        )
        return parser

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return what each row has."""
        return 'Part', 'Subject', 'Effect'

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the signs, what nova does with properties, and changes."""
        policy = self.policy(parsed_args)
        if parsed_args.file:
            image = read_image(parsed_args.file)
        else:
            image = self.source(parsed_args).image(parsed_args.image)
        flavor = None
        if parsed_args.flavor:
            flavor = self.source(parsed_args).flavor(parsed_args.flavor)
        found = classify_image(image, flavor, policy)
        self.say(parsed_args, f'{image.name}: {_text(found)}')
        return self.columns(parsed_args), _rows(found)


def read_image(path: pathlib.Path) -> Image:
    """Return the image that a file of flat properties describes.

    :raises SourceError: naming what is wrong and where
    """
    # Glance keeps strings; who writes YAML need not quote numbers.
    written = files.read_yaml(path, dict[str, str | int | float | bool])
    properties = {name: str(value) for name, value in written.items()}
    return Image(
        path.name,
        disk_format=properties.pop('disk_format', None),
        container_format=properties.pop('container_format', None),
        properties=properties,
    )


def _rows(found: Classification) -> list[tuple[str, str, str]]:
    demand = found.demand
    answer = 'refused' if found.refused else demand.refusal or _answer(demand)
    rows = [('demand', str(answer), _text(found))]
    rows += [
        ('sign', str(sign.evidence), _effect(sign, demand))
        for sign in demand.signs
    ]
    rows += [
        ('problem', str(p.evidence), p.consequence) for p in demand.problems
    ]
    for treatment in found.treatments:
        name, value, fate, outcome = treatment
        text = f'{name}={value}' if value else name
        rows.append(('nova', text, _FATES[fate].format(outcome)))
    rows += [
        ('change', change.setting, change.demand) for change in found.changes
    ]
    return rows


def _text(found: Classification) -> str:
    if not found.refused:
        return demand_text(found.demand)
    wrong = ', '.join(written(t.name, t.value) for t in found.refused)
    return f'nova-api refuses requests with this image ({wrong})'


def _answer(demand: Demand) -> str:
    if runs_nowhere(demand):
        return 'nowhere'
    return 'flexible' if demand.is_flexible else 'bound'


def _effect(sign: Sign, demand: Demand) -> str:
    """Say what a sign asks, and what became of that."""
    effects = []
    if sign.requires is not None and not sign.requires:
        effects.append('does not name a known hypervisor')
    elif sign.requires:
        effects.append(f'requires {_listed(sign.requires)}')
    if sign.forbids:
        effects.append(f'forbids {_listed(sign.forbids)}')
    if sign.unfit:
        effects.append(f'would fail on {_listed(sign.unfit)}')
    effect = ' and '.join(effects) or 'allows any hypervisor'
    return f'{_kind(sign)}: {effect}{_fate(sign, demand)}'


def _kind(sign: Sign) -> str:
    refused = sign.strength is Strength.FORMAT and sign.requires is None
    if refused and sign.name not in properties.FORMAT_NAMES:
        # What drivers refuse of the image outweighs what is stronger.
        return 'sign'
    return f'{sign.strength.name.lower()} sign'


def _fate(sign: Sign, demand: Demand) -> str:
    if sign.requires is not None and sign in demand.leftovers:
        meant = hypervisor.title(sign.requires)
        return f' (leftover: {meant} cannot boot the image)'
    if sign in demand.because or sign.forbids:
        return ''
    if sign.requires is None and not sign.unfit:
        return ''
    if sign.unfit and sign.unfit.keys() <= demand.impossible:
        return ''
    if sign.unfit and demand.required and sign.unfit.keys() & demand.required:
        return ', which nova does not prevent'
    return ' (does not decide)'


def _listed(families: Iterable[str]) -> str:
    return ', '.join(sorted(families))

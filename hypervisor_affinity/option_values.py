# SPDX-License-Identifier: Apache-2.0
"""Types of options, and reading one whatever is written there."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from oslo_config import cfg
from oslo_config import types

from hypervisor_affinity import redaction
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import nearness
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.printable import cited


class HypervisorName(types.ConfigType):
    """A hypervisor by any of its spellings, stored as its family."""

    def __init__(self) -> None:
        super().__init__(type_name='hypervisor')

    def __call__(self, value: str) -> Family:
        """Return the family.

        :raises ValueError: if the value is not a known hypervisor
        """
        family = hypervisor.canonicalize(value)
        if family is None:
            known = ', '.join(sorted(hypervisor.FAMILY_OF))
            raise ValueError(
                f'{value!r} is not a known hypervisor; known ones: {known}'
            )
        return family

    def __repr__(self) -> str:
        return 'HypervisorName'

    def __eq__(self, other: object) -> bool:
        return type(other) is HypervisorName

    __hash__ = types.ConfigType.__hash__

    def _formatter(self, value: str) -> str:
        return value


class FiniteFloat(types.Float):
    """A float that can be added up: neither nan nor inf."""

    def __call__(self, value: object) -> float | None:
        """Return the number; None for nothing.

        :raises ValueError: if it is not finite
        """
        number: float | None = super().__call__(value)
        if number is not None and not math.isfinite(number):
            raise ValueError(f'{value!r} is not a finite number')
        return number


def read(conf: cfg.ConfigOpts, option: cfg.Opt, group: str) -> Any:
    """Return an option's value; None only where that is its default.

    :param option: registered in the group
    :raises ValueError: naming option, value and place, as far as they are
        known, whatever oslo.config raises
    """
    try:
        value = conf[group][option.name]
        if value is not None or option.default is None:
            return value
        cause = 'it is empty. Give it a value, or leave it out'
        written, place = _written(conf, option, group)
    except Exception as error:
        written, place = _written(conf, option, group)
        if isinstance(error, ValueError) and '$' not in (written or ''):
            # It names all three already.
            said = redaction.first_line(str(error))
            raise ValueError(said) from None
        cause = (
            f'{_cause(error)}. Correct the option: $NAME refers to another '
            'option, and $$ is a literal $'
        )
    # Not in the handler: the traceback of a circle of references, a thousand
    # calls long, would hide the message.
    said = ''
    if written is not None:
        # What is behind the sign may be the end of a password.
        shown, sign, _ = redaction.first_line(written).partition('$')
        shown += sign and '$…'
        said = f' = {shown!r} ({place})'
    raise ValueError(f'[{group}] {option.name}{said} cannot be read: {cause}')


class Misspelt(NamedTuple):
    """A name in a file that nothing reads.

    :ivar name: a section, or one with an option
    :ivar meant: the nearest that is known; None if none is near
    """

    name: str
    meant: str | None

    def __str__(self) -> str:
        question = f'; {nearness.asked(self.meant)}' if self.meant else ''
        return f'{cited(self.name)} is not known, and has no effect{question}'


def misspelt(
    written: Mapping[str, Iterable[str]],
    known: Iterable[tuple[cfg.OptGroup, Sequence[cfg.Opt]]],
) -> Iterator[Misspelt]:
    """Yield the sections and options of a file that are misspelt ones of ours.

    oslo.config ignores what it does not know, and says nothing.

    :param written: section -> the names of its options
    :param known: as ``list_opts`` returns them
    """
    # oslo.config compares sections without regard to case, options with it.
    names = {
        group.name: tuple(
            dict.fromkeys(n for o in options for n in (o.name, o.dest))
        )
        for group, options in known
    }
    for section, options in written.items():
        if section.lower() not in names:
            meant = nearness.misspelt(section.lower(), tuple(names))
            if meant:
                yield Misspelt(f'[{section}]', f'[{meant}]')
            continue
        ours = names[section.lower()]
        for name in options:
            if name not in ours:
                meant = nearness.Nearest(name, ours).found
                yield Misspelt(f'[{section}] {name}', meant)


def _cause(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return 'it refers to itself'
    if isinstance(error, ValueError):
        # No word of it: it cites what the reference leads to, which may be a
        # password.
        return 'the value that it refers to is not possible here'
    return 'a $ in it refers to an option that does not exist'


def _written(
    conf: cfg.ConfigOpts, option: cfg.Opt, group: str
) -> tuple[str | None, str]:
    """Return what is written for an option, and where; None if not known.

    oslo.config has no public way to see a value whose references lead
    nowhere.
    """
    variable = f'OS_{group}__{option.name}'.upper()
    if variable in os.environ:
        return os.environ[variable], variable
    try:
        namespace = conf._mutable_ns or conf._namespace
        if namespace is None:
            return None, ''
        value, place = option._get_from_namespace(namespace, group)
        return str(value), place.detail if place else ''
    except Exception:
        return None, ''

# SPDX-License-Identifier: Apache-2.0
"""Directives for what nova's drivers take, from the core's tables.

``.. driver-signs::``
    a table of what each value of an image property says
``.. driver-tables::``
    a section for each driver: what it takes of an image, and what it refuses
``.. driver-reports::``
    a table of what drivers report of their hosts
``.. hypervisor-spellings::``
    a table of the hypervisors that have several names
"""

import pathlib
import re
from collections.abc import Iterable, Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.rst import escape
from sphinx.util.typing import ExtensionMetadata

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core import policy
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.drivers.table import EVERYTHING
from hypervisor_affinity.core.drivers.table import Circumstance
from hypervisor_affinity.core.drivers.table import Row
from hypervisor_affinity.core.drivers.table import Table
from hypervisor_affinity.core.drivers.table import Values
from hypervisor_affinity.core.policy import Policy

# Of a property that says the same by more values than these, the table names
# the others.
MANY = 12

# A value of each set that is told in words.
_SAMPLES = {
    EVERYTHING.text: 'true',
    'the guest ids of vSphere': 'otherGuest',
}
# Of Glance's formats, those that no table names.
_UNNAMED = {'disk_format': ('ploop', 'vhd')}
_NOTHING = 'nothing'
_OTHERS = 'every other value'
_ANOTHER_CASE = 'another case too'
_OTHER = 'some-other-value'

_FLEXIBLE = Policy(vmdk_images=policy.VmdkImages.FLEXIBLE)


def literal(text: str) -> str:
    """Return a text that is shown as code."""
    return f'``{text}``'


def marked(text: str) -> str:
    """Return prose in which names of code are shown as code."""
    parts = re.split(r'(\w+(?:[._=]\w+)+|\w*_\w*)', text)
    return ''.join(
        literal(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


def name_of(name: str) -> str:
    """Return a property's names in Glance, the usual one first."""
    if name in properties.FORMAT_NAMES:
        return name.replace('_', ' ')
    raw = [raw for raw, nova in properties.NOVA_NAMES.items() if nova == name]
    if name == 'hw_scsi_model':
        raw = ['vmware_adaptertype']
    return ' or '.join(map(literal, [*raw, name]))


def value_of(value: str) -> str:
    """Return a value, with vSphere's word for it if it has another."""
    word = properties.ADAPTER_TYPES.get(value)
    return f'{literal(value)} ({literal(word)})' if word else literal(value)


def named(values: Values) -> tuple[str, ...]:
    """Return the values of a set that lists them; of another set none."""
    words = tuple(values.text.split(', '))
    return () if any(' ' in word or not word for word in words) else words


def set_text(values: Values) -> str:
    """Return a set of values as a page shows it."""
    return ', '.join(map(value_of, named(values))) or values.text


# What values say


def values_of(name: str) -> list[tuple[str, str]]:
    """Return all values that a property may have.

    :returns: pairs of the text that a page shows, and a value that stands
        for it
    :raises ValueError: for a set of values of which no sample is known
    """
    if name in image_meta.CHOICES:
        return [(value_of(v), v) for v in sorted(image_meta.CHOICES[name])]
    found = {value_of(v): v for v in _UNNAMED.get(name, ())}
    for table in drivers.TABLES.values():
        row = table.row(name)
        for values in (row.takes, row.refuses, row.fails):
            for value in named(values):
                found[value_of(value)] = value
        if row.takes.text and not named(row.takes):
            found[row.takes.text] = sample(row.takes)
        if any(
            v.text.endswith(_ANOTHER_CASE) for v in (row.refuses, row.fails)
        ):
            value = in_another_case(row.takes)
            found[f'in another case, such as {literal(value)}'] = value
    if EVERYTHING.text not in found:
        found[_OTHERS] = _OTHER
    return sorted(found.items(), key=lambda item: item[0] == _OTHERS)


def sample(values: Values) -> str:
    """Return a value of a set that is told in words.

    :raises ValueError: if none is known
    """
    value = _SAMPLES.get(values.text)
    if value is None or not values.has(value):
        raise ValueError(f'_SAMPLES has no value of {values.text!r}')
    return value


def in_another_case(values: Values) -> str:
    """Return a value of a set whose case is wrong."""
    known = named(values) or (sample(values),)
    return next(value for value in known if value != value.lower()).lower()


def says(name: str, value: str) -> str:
    """Say what a value bears on, in the words of the page: line by line."""
    told = []
    meant = _meant_for(name, value, Policy())
    if meant:
        told.append(f'suggests {hypervisor.title(meant)}')
        if not _meant_for(name, value, _FLEXIBLE):
            told[-1] += ', unless ``vmdk_images`` is ``flexible``'
    # What is said -> of whom; the phrase has a place for their names.
    against: dict[str, list[str]] = {}
    for table in drivers.TABLES.values():
        row = table.row(name)
        if row.refuses.has(value):
            phrase = f'{_circumstance(row.where)}rules out {{}}'
            against.setdefault(phrase, []).append(_title(table))
        if row.fails.has(value):
            phrase = f'{_circumstance(row.fails_where)}rules out {{}}'
            phrase += ', unless something asks for it'
            if table.family in meant:
                # It asks for this hypervisor itself.
                phrase = f'{_circumstance(row.fails_where)}fails on {{}}'
                phrase += '; only a rebuild is refused'
            against.setdefault(phrase, []).append(_title(table))
    told += [
        phrase.format(' and '.join(titles))
        for phrase, titles in sorted(against.items())
    ]
    return '\n'.join(told)


def _meant_for(name: str, value: str, options: Policy) -> frozenset[str]:
    for sign in classify({name: value}, {}, options).signs:
        if sign.name == name and sign.requires:
            return sign.requires
    return frozenset()


def _title(table: Table) -> str:
    return hypervisor.title({table.family})


def refusals(table: Table, row: Row) -> str:
    """Say what a driver refuses, and what fails behind it: line by line."""
    lines = []
    if row.refuses.text:
        lines.append(_circumstance(row.where) + set_text(row.refuses))
    if row.fails.text:
        told = _circumstance(row.fails_where) + set_text(row.fails)
        lines.append(f'{told}, unless something asks for {_title(table)}')
    return '\n'.join(lines) or _NOTHING


def _circumstance(where: Circumstance | None) -> str:
    return f'{marked(where.text)}: ' if where else ''


def sign_rows() -> Iterator[list[str]]:
    """Yield rows of the table of what values say."""
    for name in drivers.PROPERTIES:
        groups: dict[str, list[str]] = {}
        for shown, value in values_of(name):
            groups.setdefault(says(name, value), []).append(shown)
        ordered = sorted(
            groups.items(),
            key=lambda group: (not group[0], _is_rest(group[1])),
        )
        for text, values in ordered:
            yield [
                name_of(name),
                _OTHERS if _is_rest(values) else ', '.join(values),
                text or _NOTHING,
            ]


def _is_rest(values: list[str]) -> bool:
    return values == [_OTHERS] or len(values) > MANY


# What drivers do


def driver_rows(table: Table) -> Iterator[list[str]]:
    """Yield rows of a driver's table."""
    for name in drivers.PROPERTIES:
        if name not in table.rows:
            continue
        row = table.rows[name]
        yield [
            name_of(name),
            set_text(row.takes) or _NOTHING,
            refusals(table, row),
            marked(row.source),
        ]


def report_rows() -> Iterator[list[str]]:
    """Yield rows of the table of what drivers report."""
    for table in drivers.TABLES.values():
        yield [
            literal(table.driver),
            _literals(table.reports),
            _literals(table.guest_types),
            _literals(table.architectures) or 'as the host has',
            literal(table.family),
        ]


def _literals(texts: Iterable[str]) -> str:
    return ', '.join(map(literal, texts))


def spelling_rows() -> Iterator[list[str]]:
    """Yield rows of the table of spellings."""
    families: dict[str, list[str]] = {}
    for spelling, family in hypervisor.FAMILY_OF.items():
        families.setdefault(family, []).append(spelling)
    # As drivers write what they report.
    written = {name.lower(): name for name in drivers.CONCLUSIVE_TYPES}
    for family, spellings in families.items():
        if len(spellings) > 1:
            shown = [written.get(s, s) if ' ' in s else s for s in spellings]
            yield [literal(family), _literals(shown)]


def alone() -> str:
    """Return the hypervisors that have one name."""
    families = list(hypervisor.FAMILY_OF.values())
    names = [f for f in sorted(set(families)) if families.count(f) == 1]
    return _literals(names)


# Directives


def list_table(
    heads: list[str], widths: str, rows: Iterable[list[str]]
) -> str:
    """Return a list-table; each line of a cell is a paragraph."""
    lines = ['.. list-table::', '   :header-rows: 1', f'   :widths: {widths}']
    lines.append('')
    for row in [heads, *rows]:
        marks = '*' + ' ' * (len(row) - 1)
        lines += [
            f'   {mark} - ' + cell.replace('\n', f'\n\n{" " * 7}')
            for mark, cell in zip(marks, row, strict=True)
        ]
    return '\n'.join(lines)


def breakable(literal_node: nodes.literal) -> None:
    """Let a browser break a long dotted name after its dots."""
    parts = re.findall(r'[^.]+\.?', literal_node.astext())
    literal_node.clear()
    for part in parts:
        literal_node += nodes.Text(part)
        literal_node += nodes.raw('', '<wbr>', format='html')
    literal_node.pop()


def driver_text(table: Table) -> str:
    """Return what stands in a driver's section."""
    if not table.rows:
        return (
            f'No image property suggests {_title(table)}, and none rules it '
            'out. A request needs it only if the flavor or the image names it.'
        )
    heads = ['Property', 'Takes', 'Refuses', 'Decided in']
    return list_table(heads, '22 28 24 26', driver_rows(table))


class DriverPage(SphinxDirective):
    """Anything made from the core's tables."""

    def note_dependencies(self) -> None:
        """Have the page built again when a table changes."""
        tables = pathlib.Path(drivers.__file__).parent.glob('*.py')
        for path in (*tables, pathlib.Path(hypervisor.__file__)):
            self.env.note_dependency(str(path))


class DriverSigns(DriverPage):
    """What each value of an image property says."""

    def run(self) -> list[nodes.Node]:
        """Return a table."""
        self.note_dependencies()
        heads = ['Property', 'Value', 'What it says']
        return self.parse_text_to_nodes(
            list_table(heads, '28 38 34', sign_rows())
        )


class DriverTables(DriverPage):
    """What drivers take of an image, and what they refuse."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each driver."""
        self.note_dependencies()
        sections = []
        for table in drivers.TABLES.values():
            title = _title(table)
            title = f"{title[0].upper()}{title[1:]}: nova's {table.driver}"
            section = nodes.section(names=[f'driver-{table.family}'])
            section += nodes.title('', title)
            self.state.document.note_explicit_target(section, section)
            section += self.parse_text_to_nodes(driver_text(table))
            for found in section.findall(nodes.literal):
                breakable(found)
            sections.append(section)
        return sections


class DriverReports(DriverPage):
    """What drivers report of their hosts."""

    def run(self) -> list[nodes.Node]:
        """Return a table."""
        self.note_dependencies()
        heads = [
            "nova's driver",
            'Hypervisor type',
            'Supported instances',
            'Their architectures',
            'Treated as',
        ]
        return self.parse_text_to_nodes(
            list_table(heads, '15 28 20 22 15', report_rows())
        )


class HypervisorSpellings(DriverPage):
    """The hypervisors that have several names, and the others."""

    def run(self) -> list[nodes.Node]:
        """Return a table and a sentence."""
        self.note_dependencies()
        table = list_table(
            ['Hypervisor', 'Spellings'], '20 80', spelling_rows()
        )
        others = f'Every other hypervisor has one name: {alone()}.'
        return self.parse_text_to_nodes(f'{table}\n\n{others}')


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    app.add_directive('driver-signs', DriverSigns)
    app.add_directive('driver-tables', DriverTables)
    app.add_directive('driver-reports', DriverReports)
    app.add_directive('hypervisor-spellings', HypervisorSpellings)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}

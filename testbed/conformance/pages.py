# SPDX-License-Identifier: Apache-2.0
"""The findings as parts of a page, in reStructuredText."""

import itertools
import pathlib
import re
from collections.abc import Iterable, Iterator, Sequence

from hypervisor_affinity.core import hypervisor
from testbed.conformance import tables
from testbed.conformance.finding import FILE
from testbed.conformance.finding import Finding
from testbed.conformance.finding import Key
from testbed.conformance.finding import Outcome
from testbed.conformance.finding import Record

# Of so many values with the same findings, the table names two.
_MANY = 20
_HANGS = 'starts, and its guest does not boot'
# {property: title of its section}; one without has its name.
TITLES = {
    'disk_format': 'Disk format',
    'container_format': 'Container format',
}


def write(record: Record, folder: pathlib.Path = FILE.parent) -> None:
    """Write all parts: ``versions.rst``, ``findings.rst``, ..."""
    for name, text in parts(record).items():
        (folder / f'{name}.rst').write_text(text)


def parts(record: Record) -> dict[str, str]:
    """Return {name of a part: its text}."""
    return {
        'versions': _table(['Program', 'Version'], record.versions.items()),
        'findings': '\n'.join(_sections(record.findings)),
        'differences': '\n'.join(_differences(record.findings)),
    }


def _sections(findings: Iterable[Finding]) -> Iterator[str]:
    by_name = itertools.groupby(findings, lambda finding: finding.trial.name)
    for name, group in by_name:
        title = TITLES.get(name, f'``{name}``')
        yield f'{title}\n{"-" * len(title)}\n'
        yield _section(list(group))


def _section(findings: Sequence[Finding]) -> str:
    heads = list(dict.fromkeys(_column(found.key) for found in findings))
    # {value: {column: text}}
    cells: dict[str, dict[str, str]] = {}
    for found in findings:
        row = cells.setdefault(found.key.value, {})
        row[_column(found.key)] = _cell(found)
    # {texts of all columns: values}
    rows: dict[tuple[str, ...], list[str]] = {}
    for value, row in cells.items():
        texts = tuple(row.get(head, 'not tried') for head in heads)
        rows.setdefault(texts, []).append(value)
    return _table(
        ['Value', *heads],
        ([_values(values), *texts] for texts, values in rows.items()),
    )


def _column(key: Key) -> str:
    title = hypervisor.title({key.side})
    is_empty_disk = key.base == 'iso' and not key.name.endswith('_format')
    return f'{title}, from an ISO' if is_empty_disk else title


def _cell(finding: Finding) -> str:
    if finding.outcome is Outcome.REFUSED:
        # So that values with the same answer share a row.
        words = finding.words.replace(finding.key.value, '…')
        return f'refused by {finding.by}: “{_escape(words)}”'
    text = _HANGS if finding.outcome is Outcome.HANGS else finding.outcome
    if not finding.device or finding.device == finding.key.value:
        return text
    return f'{text}: ``{finding.device}``'


def _values(values: Sequence[str]) -> str:
    if len(values) > _MANY:
        return (
            f'{len(values)} values, from ``{values[0]}`` to ``{values[-1]}``'
        )
    return ', '.join(f'``{value}``' for value in values)


def _differences(findings: Sequence[Finding]) -> Iterator[str]:
    for known in tables.DIFFERENCES:
        keys = [found.key for found in findings if known.has(found)]
        names = ', '.join(dict.fromkeys(f'``{key.name}``' for key in keys))
        title = hypervisor.title({key.side for key in keys})
        yield f'{names} on {title}: {_values([key.value for key in keys])}'
        yield f'   {known.reason}\n'


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ['.. list-table::', '   :header-rows: 1', '']
    for row in [heads, *rows]:
        marks = ['*', *' ' * (len(row) - 1)]
        lines += [
            f'   {mark} - {cell}'
            for mark, cell in zip(marks, row, strict=True)
        ]
    return '\n'.join([*lines, ''])


def _escape(text: str) -> str:
    return re.sub(r'([\\`*_|])', r'\\\1', text)

# SPDX-License-Identifier: Apache-2.0
"""Directives that show the case table of the tests.

``.. case-hosts::``
    the hosts that the cases speak of
``.. case-table::``
    a section for each group of cases
"""

import pathlib
from collections.abc import Iterator, Mapping

import yaml
from docutils import nodes
from reason_pages import label
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.rst import escape
from sphinx.util.typing import ExtensionMetadata

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.reason import Reason
from tests import case_table
from tests.case_table import Case
from tests.case_table import Group
from tests.case_table import Host
from tests.case_verdicts import demand_of

DIRECTORY = pathlib.Path(case_table.__file__).parent / 'cases'
SHARED = yaml.safe_load((DIRECTORY / 'hosts.yaml').read_text(encoding='utf-8'))

_NOVA_API = {
    'refuses': 'nova refuses such an image, so it never gets to the filter.',
    'refuses from 2.86': 'nova-api refuses such a flavor from 2.86 on.',
}


def literals(mapping: Mapping[str, object]) -> list[str]:
    """Return ``key=value`` for each item, as literals."""
    return [f'``{key}={_value(value)}``' for key, value in mapping.items()]


def _value(value: object) -> str:
    if isinstance(value, list):
        value = ','.join(value)
    text = str(value)
    return text if text and text == text.strip() else f'"{text}"'


def request_lines(case: Case) -> Iterator[str]:
    """Say what is asked, a thing a line."""
    if case.image is None:
        yield 'no image'
    elif case.volume:
        yield 'boots from a volume'
    yield from literals(case.image or {})
    yield from (f'flavor {text}' for text in literals(case.extra_specs))
    yield from (f'option {text}' for text in literals(case.options))
    if case.runs_on is not None:
        yield f'a move; {demand_of(case).signs[0].evidence.text}'
        if case.has != case_table.ASKED:
            yield (
                f'a resize from {case.has} % of a host to {case_table.ASKED} %'
            )
    if case.rebuild:
        yield 'a rebuild'


def needs(case: Case) -> str:
    """Say in a word or two what the request needs."""
    if case.refusal:
        return 'Refused everywhere.'
    if case.runs_on == frozenset():
        return 'What it needs is unknown.'
    if case.required is None:
        return 'Can run on any hypervisor.'
    return f'Needs {hypervisor.title(case.required)}.'


def host_text(host: Host) -> str:
    """Name a shared host; describe one that only its case has."""
    if host.name in SHARED['hosts']:
        return f'``{host.name}``'
    driver = host.name.rpartition('-')[0]
    texts = [f'``{driver}``']
    texts += [' '.join(literals(metadata)) for metadata in host.aggregates]
    if host.used:
        texts.append(f'{host.used}% in use')
    return ' + '.join(texts)


def verdict_lines(case: Case) -> Iterator[str]:
    """Say what comes of the request, a host a line."""
    for host, code in case.expected:
        known = code != Reason.SUITABLE
        verdict = f':ref:`{label(code)}`' if known else 'suitable'
        yield f'{host_text(host)}: {verdict}'


def _list(lines: list[str]) -> list[str]:
    return [f'* {line}' for line in lines] if len(lines) > 1 else lines


def _cell(paragraphs: list[list[str]], mark: str) -> list[str]:
    lines = []
    for paragraph in filter(None, paragraphs):
        lines += [*paragraph, '']
    indent = ' ' * 7
    head, *rest = lines or ['']
    return [f'   {mark} - {head}'] + [indent + line for line in rest]


def case_row(case: Case) -> list[str]:
    """Return a row of a list-table."""
    told = [f'The user reads: *{escape(case.user)}*'] if case.user else []
    warned = [f'The log warns: *{escape(case.warns)}*'] if case.warns else []
    refused = [_NOVA_API[case.nova_api]] if case.nova_api else []
    stock = [f'If ``{case.stock}`` is enabled, it rejects more hosts.']
    return (
        _cell([[escape(case.case)], refused, stock if case.stock else []], '*')
        + _cell([_list(list(request_lines(case)))], ' ')
        + _cell(
            [[needs(case)], _list(list(verdict_lines(case))), told, warned],
            ' ',
        )
    )


def table(heads: str, widths: str) -> list[str]:
    """Return the beginning of a list-table."""
    names = heads.split('|')
    lines = ['.. list-table::', '   :header-rows: 1']
    lines += ['   :class: case-table', f'   :widths: {widths}', '']
    marks = '*' + ' ' * (len(names) - 1)
    return lines + [
        f'   {mark} - {name}' for mark, name in zip(marks, names, strict=True)
    ]


def group_text(group: Group) -> str:
    """Return a group's introduction and table."""
    lines = [escape(group.about), '']
    lines += table('Case|Request|Result', '25 40 60')
    for case in group.cases:
        lines += case_row(case)
    return '\n'.join(lines)


def hosts_text() -> str:
    """Return the table of hosts."""
    lines = table('Host|Its driver reports|Its aggregates', '25 40 60')
    for name, row in SHARED['hosts'].items():
        driver = SHARED['drivers'][row['driver']]
        report = [
            f'``{driver["hypervisor_type"] or "nothing"}``',
            f'supports {", ".join(driver["supported"]) or "nothing"}',
        ]
        aggregates = [
            ' '.join(literals(metadata))
            for metadata in row.get('aggregates', [])
        ]
        used = [f'{row["used"]}% in use'] if 'used' in row else []
        lines += (
            _cell([[f'``{name}``']], '*')
            + _cell([_list(report)], ' ')
            + _cell([_list(aggregates or ['none']), used], ' ')
        )
    return '\n'.join(lines)


class CasePage(SphinxDirective):
    """Anything made from the files of the case table."""

    def note_dependencies(self) -> None:
        """Have the page built again when a file of the table changes."""
        for path in sorted(DIRECTORY.glob('*.yaml')):
            self.env.note_dependency(str(path))


class CaseHosts(CasePage):
    """The hosts that the cases speak of."""

    def run(self) -> list[nodes.Node]:
        """Return a table."""
        self.note_dependencies()
        return self.parse_text_to_nodes(hosts_text())


class CaseTable(CasePage):
    """The cases, group by group."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each group."""
        self.note_dependencies()
        sections = []
        for group in case_table.groups():
            section = nodes.section(names=[group.title.lower()])
            section += nodes.title('', group.title)
            self.state.document.note_implicit_target(section, section)
            section += self.parse_text_to_nodes(group_text(group))
            sections.append(section)
        return sections


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    app.add_directive('case-hosts', CaseHosts)
    app.add_directive('case-table', CaseTable)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}

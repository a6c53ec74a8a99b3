# SPDX-License-Identifier: Apache-2.0
"""Directives for the reasons: code and meaning come from the enumeration.

``.. reason-list::``
    a table of all codes with their meanings
``.. reason:: CODE``
    a section on one code: its meaning, what a user reads, what the log shows,
    and the directive's content, which is the advice

A code without advice ends the build, and so does advice for no code.
"""

import pathlib

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from hypervisor_affinity.core import explanation
from hypervisor_affinity.core import reason
from hypervisor_affinity.core.demand import UNREADABLE
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.verdict import Verdict
from tests import case_table
from tests.case_table import Case
from tests.case_table import Host
from tests.case_verdicts import demand_of
from tests.case_verdicts import verdict_on

EXAMPLES = 3
SERVER = '6f1c…'

# What the filter logs at levels INFO and DEBUG. nova is not there to import
# the filter, so its source is asked whether these are still its words.
INFO = 'No host for server %s: %s'
DEBUG = 'Host %s for server %s: %s (%s)'
FILTER = pathlib.Path(reason.__file__).parents[1] / 'scheduler/filters.py'


def label(code: str) -> str:
    """Return the name by which pages refer to a reason's section."""
    return f'reason-{code}'


def meanings() -> dict[Reason, str]:
    """Return the sentence that stands below each code in the source."""
    texts = ModuleAnalyzer.for_module(reason.__name__).find_attr_docs()
    return {
        code: ' '.join(texts['Reason', code.name]).strip() for code in Reason
    }


def user_texts(code: Reason) -> list[str]:
    """Return what a server's owner may read; empty if there is nothing to say.

    The words of rows of the case table that are about this reason alone. A
    few reasons have none; their words are asked of the code.
    """
    if code is Reason.SUITABLE:
        return []
    rows = [
        case
        for case in case_table.cases()
        if case.user
        and {is_ for _, is_ in case.expected} - {Reason.SUITABLE} == {code}
    ]
    # Images are what most readers come with.
    rows.sort(key=lambda case: bool(case.extra_specs))
    texts = list(dict.fromkeys(case.user for case in rows))
    if texts:
        return texts[:EXAMPLES]
    return [explanation.user_text(_broken(code), {code: Verdict(code)})]


def log_lines(code: Reason) -> list[str]:
    """Return what nova-scheduler logs where it asked just one such host.

    The words of a row of the case table in which no host falls to another
    reason, if there is one.
    """
    rows = [
        (case, host)
        for case in case_table.cases()
        for host, is_ in case.expected
        if is_ == code
    ]
    if rows:
        case, host = min(rows, key=_oddity)
        demand, verdict, name = (
            demand_of(case),
            verdict_on(case, host),
            host.name,
        )
    else:
        demand, verdict, name = _broken(code), Verdict(code), 'kvm'
    lines = []
    if code is not Reason.SUITABLE:
        text = explanation.operator_text(demand, {code: 1}, {code: verdict})
        lines.append(INFO % (SERVER, text))
    evidence = reason.listed(verdict.evidence)
    lines.append(DEBUG % (name, SERVER, code, evidence))
    return lines


def _oddity(row: tuple[Case, Host]) -> tuple[int, bool]:
    case, _ = row
    reasons = {is_ for _, is_ in case.expected} - {Reason.SUITABLE}
    return len(reasons), bool(case.extra_specs)


def _broken(code: Reason) -> Demand:
    """Return the demand of a request that meets an object that is broken."""
    if code is Reason.UNREADABLE_REQUEST:
        return UNREADABLE
    return classify({'disk_format': 'vmdk'}, {}, Policy())


class ReasonList(SphinxDirective):
    """A table of all codes with their meanings."""

    def run(self) -> list[nodes.Node]:
        """Return the table; each code leads to its section."""
        lines = [
            '.. list-table::',
            '   :header-rows: 1',
            '   :widths: 25 55',
            '',
        ]
        lines += ['   * - Code', '     - Meaning']
        for code, meaning in meanings().items():
            lines += [f'   * - :ref:`{label(code)}`', f'     - {meaning}']
        return self.parse_text_to_nodes('\n'.join(lines))


class ReasonSection(SphinxDirective):
    """A section on one code."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the section.

        :raises docutils.parsers.rst.DirectiveError: for a code that does not
            exist, and for one without advice
        """
        self.assert_has_content()
        try:
            code = Reason(self.arguments[0])
        except ValueError as error:
            raise self.error(str(error)) from error
        section = nodes.section(names=[label(code)])
        section += nodes.title('', '', nodes.literal('', code))
        self.state.document.note_explicit_target(section, section)
        section += self.parse_text_to_nodes(meanings()[code])
        texts = user_texts(code)
        if texts:
            section += nodes.paragraph('', 'The user reads, for example:')
            section += nodes.block_quote('', *map(_spoken, texts))
        section += nodes.paragraph(
            '', 'nova-scheduler logs, for one such host:'
        )
        for line in log_lines(code):
            section += nodes.literal_block(line, line, language='none')
        section += nodes.paragraph('', '', nodes.strong('', 'What to do'))
        section += self.parse_content_to_nodes()
        return [section]


def _spoken(text: str) -> nodes.paragraph:
    return nodes.paragraph('', '', nodes.emphasis('', text))


def check_completeness(app: Sphinx, env: BuildEnvironment) -> None:
    """End the build if a code has no section.

    :raises sphinx.errors.ExtensionError: naming the codes
    """
    labels = env.domaindata['std']['labels']
    missing = [code for code in Reason if label(code) not in labels]
    if missing:
        raise ExtensionError(
            f'no page says what to do about: {", ".join(missing)}. Add '
            '".. reason:: CODE" with advice to reasons.rst'
        )
    source = FILTER.read_text(encoding='utf-8')
    changed = [text for text in (INFO, DEBUG) if repr(text) not in source]
    if changed:
        raise ExtensionError(f'the filter does not log any more: {changed}')


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives and the check."""
    app.add_directive('reason-list', ReasonList)
    app.add_directive('reason', ReasonSection)
    app.connect('env-check-consistency', check_completeness)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}

# SPDX-License-Identifier: Apache-2.0
"""Directives for the pages of the commands, from the code.

``.. code-list:: MODULE ENUMERATION``
    a table of an enumeration's values and the sentences below them in the
    source; of an audit's checks, how severe they are and what they mean
``.. snapshot-schema::``
    the JSON Schema of a snapshot
"""

import importlib
import json

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from hypervisor_affinity.cloud import snapshot
from hypervisor_affinity.operations.findings import Check


class CodeList(SphinxDirective):
    """A table of an enumeration's values with their meanings."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Return the table.

        :raises docutils.parsers.rst.DirectiveError: for a value without a
            sentence
        """
        module, name = self.arguments
        codes = vars(importlib.import_module(module))[name]
        texts = ModuleAnalyzer.for_module(module).find_attr_docs()
        lines = ['.. list-table::', '   :widths: 30 70', '']
        for code in codes:
            if isinstance(code, Check):
                meaning = f'*{code.severity.name.lower()}*: {code.meaning}'
            else:
                meaning = ' '.join(texts.get((name, code.name), ())).strip()
            if not meaning:
                raise self.error(f'{name}.{code.name} has no docstring')
            lines += [f'   * - ``{code}``', f'     - {meaning}']
        return self.parse_text_to_nodes('\n'.join(lines))


class SnapshotSchema(SphinxDirective):
    """The JSON Schema of a snapshot."""

    def run(self) -> list[nodes.Node]:
        """Return it as it is."""
        text = json.dumps(snapshot.schema(), indent=2)
        return [nodes.literal_block(text, text, language='json')]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    app.add_directive('code-list', CodeList)
    app.add_directive('snapshot-schema', SnapshotSchema)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}

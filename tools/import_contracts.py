# SPDX-License-Identifier: Apache-2.0
"""A contract for import-linter that it does not bring itself.

Its own ``forbidden`` contract needs the name of each package that must not
be imported, so a new dependency would pass unseen.
"""

import sys

import grimp
from importlinter import Contract
from importlinter import ContractCheck
from importlinter import fields
from importlinter import output


class StandardLibraryOnly(Contract):
    """The package imports itself and the standard library, nothing else."""

    type_name = 'standard_library_only'

    package = fields.StringField()

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Collect every other import with the line where it stands."""
        inside = {self.package, *graph.find_descendants(self.package)}
        strangers = [
            (details['importer'], details['line_number'], imported)
            for module in sorted(inside)
            for imported in graph.find_modules_directly_imported_by(module)
            if imported not in inside
            and imported.split('.')[0] not in sys.stdlib_module_names
            for details in graph.get_import_details(
                importer=module, imported=imported
            )
        ]
        return ContractCheck(
            kept=not strangers, metadata={'strangers': strangers}
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print what check() collected."""
        for importer, line, imported in check.metadata['strangers']:
            output.print_error(f'{importer}:{line} imports {imported}')

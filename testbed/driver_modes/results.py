# SPDX-License-Identifier: Apache-2.0
"""What came of runs of ``programs.OPERATE``, as reStructuredText."""

import collections
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

# A bare one would begin a list.
_NOT_REACHED = r'\-'
# In the order in which a server meets them.
OPERATIONS = (
    'init_host',
    'get_available_resource',
    'update_provider_tree',
    'list_instance_uuids',
    'spawn',
    'power_off',
    'power_on',
    'reboot',
    'suspend',
    'resume',
    'snapshot',
    'destroy',
)


class Result(NamedTuple):
    """What came of a run.

    * ``pace``: as the program takes it
    * ``document``: what it wrote
    """

    pace: str
    is_patched: bool
    document: dict[str, Any]

    @property
    def versions(self) -> dict[str, str]:
        """Return {distribution: version}."""
        return self.document['versions']

    @property
    def nova(self) -> str:
        """Return the release of nova, such as ``34``."""
        return self.versions['nova'].partition('.')[0]

    @property
    def mode(self) -> str:
        """Return how threads were made, and with which oslo.vmware."""
        if self.document['is_eventlet']:
            return 'eventlet'
        return 'native, patch' if self.is_patched else 'native'

    @property
    def group(self) -> str:
        """Return the title of the table that it is in."""
        if self.document['is_eventlet']:
            return _EVENTLET
        return _NATIVE[self.pace]

    def cell(self, operation: str) -> str:
        """Return how many tries of an operation passed, and of how many."""
        counts = self.document['operations'].get(operation)
        if counts is None:
            return _NOT_REACHED
        return f'{counts["passed"]}/{counts["passed"] + counts["failed"]}'


def tables(results: Sequence[Result]) -> str:
    """Return tables of few columns each, then the errors and the versions."""
    groups = dict.fromkeys(result.group for result in results)
    parts = [
        '\n'.join(
            _table(title, [found for found in results if found.group == title])
        )
        for title in groups
    ]
    return '\n'.join([*parts, *_errors(results), *_versions(results)])


_EVENTLET = 'Passed and tried, with eventlet'
_NATIVE = {
    'as-is': 'The same, with native threads',
    'start': 'Native threads, interrupted often from the start',
    'booted': 'Native threads, interrupted often once all servers run',
}


def _table(title: str, results: Sequence[Result]) -> Iterator[str]:
    yield f'.. list-table:: {title}'
    yield '   :header-rows: 3'
    yield ''
    rows = [
        ['nova', *(found.nova for found in results)],
        ['oslo.vmware', *(found.versions['oslo.vmware'] for found in results)],
        ['Threads', *(found.mode for found in results)],
        *(
            [f'``{name}``', *(found.cell(name) for found in results)]
            for name in OPERATIONS
        ),
        ['Servers left', *(str(found.document['left']) for found in results)],
    ]
    for row in rows:
        yield f'   * - {row[0]}'
        yield from (f'     - {cell}' for cell in row[1:])
    yield ''


def _errors(results: Sequence[Result]) -> Iterator[str]:
    yield '.. list-table:: Errors, of all runs'
    yield '   :header-rows: 1'
    yield '   :widths: 25 15 80'
    yield ''
    yield '   * - Operation'
    yield '     - Threads'
    yield '     - Error'
    seen = collections.defaultdict(set)
    for found in results:
        for operation, counts in found.document['operations'].items():
            seen[operation, found.mode].update(
                error.partition('\n')[0] for error in counts['errors']
            )
    for operation in OPERATIONS:
        for (name, mode), errors in sorted(seen.items()):
            if name == operation and errors:
                yield f'   * - ``{operation}``'
                yield f'     - {mode}'
                first, *others = (_shorten(error) for error in sorted(errors))
                yield f'     - * ``{first}``'
                yield from (f'       * ``{error}``' for error in others)
    yield ''


def _shorten(error: str) -> str:
    longest = 72
    # A list of UUIDs says no more than its first ones.
    text = error if len(error) <= longest else f'{error[:longest]} ...'
    # In a literal, a backtick would end it, as would a blank.
    return text.replace('`', "'").strip()


def _versions(results: Sequence[Result]) -> Iterator[str]:
    yield '.. list-table:: Versions'
    yield '   :header-rows: 1'
    yield ''
    names = list(results[0].versions)
    yield f'   * - {names[0]}'
    yield from (f'     - {name}' for name in names[1:])
    for versions in dict.fromkeys(
        tuple(found.versions.values()) for found in results
    ):
        yield f'   * - {versions[0]}'
        yield from (f'     - {version}' for version in versions[1:])

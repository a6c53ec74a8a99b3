# SPDX-License-Identifier: Apache-2.0
"""What the page of nova's vSphere driver has of its runs."""

import json
import pathlib

import pytest
from docutils import core
from docutils import nodes

from testbed import driver_modes
from testbed.driver_modes import results
from testbed.driver_modes.results import Result

FOLDER = pathlib.Path(driver_modes.__file__).parent
SPAWN = {'passed': 1, 'failed': 2, 'errors': ['Error: a `b`\nmore', 'x' * 99]}


def result(pace='start', is_patched=False, is_eventlet=False):
    return Result(
        pace,
        is_patched,
        {
            'versions': {'nova': '34.0.0', 'oslo.vmware': '4.10.0'},
            'is_eventlet': is_eventlet,
            'operations': {'spawn': SPAWN},
            'left': 2,
        },
    )


def tables(text):
    """Return {title: rows of texts}; fail if it is not valid."""
    tree = core.publish_doctree(
        text, settings_overrides={'halt_level': 2, 'report_level': 5}
    )
    return {
        table.next_node(nodes.title).astext(): [
            [entry.astext() for entry in row.findall(nodes.entry)]
            for row in table.findall(nodes.row)
        ]
        for table in tree.findall(nodes.table)
    }


def test_numbers():
    found = tables(results.tables([result(), result(is_patched=True)]))
    rows = found['Native threads, interrupted often from the start']
    assert rows[:3] == [
        ['nova', '34', '34'],
        ['oslo.vmware', '4.10.0', '4.10.0'],
        ['Threads', 'native', 'native, patch'],
    ]
    assert ['spawn', '1/3', '1/3'] in rows
    assert ['reboot', '-', '-'] in rows
    assert rows[-1] == ['Servers left', '2', '2']


def test_errors_are_short():
    found = tables(results.tables([result()]))
    _, (operation, mode, errors) = found['Errors, of all runs']
    assert (operation, mode) == ('spawn', 'native')
    assert errors.split('\n\n') == ["Error: a 'b'", f'{"x" * 72} ...']


@pytest.mark.parametrize('pace', ['as-is', 'start', 'booted'])
def test_each_pace_has_a_table(pace):
    found = tables(results.tables([result(pace), result(is_eventlet=True)]))
    # And one each of the errors and the versions.
    assert len(found) == 4


def test_the_page_has_the_results():
    recorded = json.loads((FOLDER / 'results.json').read_text())
    text = results.tables([Result(**run) for run in recorded])
    assert (FOLDER / 'results.rst').read_text() == text + '\n'
    assert 'Versions' in tables(text)

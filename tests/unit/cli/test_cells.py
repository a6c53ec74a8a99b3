# SPDX-License-Identifier: Apache-2.0
"""Cells of every kind, by every formatter that is installed."""

import argparse
import io
import json
import logging

import pytest
import yaml
from cliff import columns
from stevedore import extension

from hypervisor_affinity import log_lines
from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import cells
from hypervisor_affinity.cli.image.upload import Properties
from hypervisor_affinity.core.printable import printable

HOSTILE = '\x1b[2J\n\u202e\u200bx'


class Words(columns.FormattableColumn):
    def human_readable(self):
        return f'for people: {self._value}'


CELLS = (
    HOSTILE,
    [HOSTILE, {HOSTILE: (HOSTILE,)}],
    {HOSTILE: [HOSTILE]},
    Words(HOSTILE),
    Words([HOSTILE]),
    Properties({HOSTILE: HOSTILE, 'a': 'b'}),
)
NAMES = tuple('abcdef')


class App:
    def __init__(self):
        self.stdout = io.StringIO()


class _Answers:
    def take_action(self, parsed_args):
        raise NotImplementedError

    def columns(self, parsed_args):
        return NAMES


class Listing(_Answers, base.Command):
    def answer(self):
        return [CELLS, CELLS]


class Showing(_Answers, base.ShowCommand):
    def answer(self):
        return CELLS


def formatters():
    return [
        (command, name)
        for command, group in (
            (Listing, 'cliff.formatter.list'),
            (Showing, 'cliff.formatter.show'),
        )
        for name in sorted(extension.ExtensionManager(group).names())
    ]


def output(command, name):
    """Return what an answer is by a formatter."""
    command = command(App(), None)
    parser = command.get_parser('x')
    parsed_args = parser.parse_args(['-f', name])
    command.formatter = command._formatter_plugins[name].obj
    command.produce_output(parsed_args, NAMES, command.answer())
    return command.app.stdout.getvalue()


@pytest.mark.parametrize(('command', 'name'), formatters())
def test_every_formatter(command, name):
    text = output(command, name)
    if name in cells.EXACT:
        load = json.loads if name == 'json' else yaml.unsafe_load
        found = load(text)
        row = found if isinstance(found, dict) else found[0]
        assert row['a'] == HOSTILE
        assert row['c'] == {HOSTILE: [HOSTILE]}
        assert row['d'] == HOSTILE
        return
    assert printable(text.replace('\n', '')) == text.replace('\n', '')
    rows = 1 if command is Showing else 2
    if name == 'table':
        # Borders and names; the properties are two lines.
        assert len(text.splitlines()) == (11 if command is Showing else 8)
        assert 'a=b' in text
    else:
        fields = len(CELLS) if command is Showing else 1
        assert len(text.splitlines()) == rows * fields + (name == 'csv')


def test_what_is_no_text_stays():
    for cell in (True, 3, 2.5):
        assert cells.shown(cell, 'csv') is cell


@pytest.mark.parametrize(
    ('value', 'cell'),
    [
        ('=1+1', "'=1+1"),
        ('  @x', "'  @x"),
        ('-5', "'-5"),
        (-5, -5),
        ('a=b', 'a=b'),
        ('', ''),
    ],
)
def test_csv(value, cell):
    assert cells.shown(value, 'csv') == cell
    assert cells.shown(value, 'value') in (value, str(value))


def logged(*arguments):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger(__name__)
    logger.addHandler(handler)
    for _ in range(2):
        log_lines.make_fit(logger)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logger.warning(*arguments[:-1], exc_info=arguments[-1])
    finally:
        logger.removeHandler(handler)
    return stream.getvalue()


def test_log_lines():
    shown = r'\x1b[2J\n\u202e\u200bx'
    assert logged('of %s', HOSTILE, False) == f'of {shown}\n'
    assert logged(ValueError(HOSTILE), False) == f'{shown}\n'
    # Lines that are meant stay.
    assert logged('a\nb', False) == 'a\nb\n'
    traceback = logged('of %s', HOSTILE, True)
    assert traceback.startswith(f'of {shown}\nTraceback (most recent')
    assert printable(traceback.replace('\n', '')) == traceback.replace(
        '\n', ''
    )


def test_a_line_on_standard_error_is_one():
    command = Listing(App(), None)
    command.app.stderr = io.StringIO()
    command.tell('a', HOSTILE)
    assert command.app.stderr.getvalue() == 'a\n\\x1b[2J\\n\\u202e\\u200bx\n'
    command.say(argparse.Namespace(formatter='table'), 'a', HOSTILE)
    assert command.app.stdout.getvalue() == 'a\n\\x1b[2J\\n\\u202e\\u200bx\n'


@pytest.mark.parametrize(
    ('value', 'cell'),
    [
        (['a', ('b', 2)], 'a, b, 2'),
        ({'KVM': 3, 'VMware': 1}, 'KVM=3, VMware=1'),
        ({'CPU': 1.0, 'RAM': None}, 'CPU=1.0, RAM=?'),
        ({}, ''),
        (None, ''),
    ],
)
def test_no_format_of_text_shows_what_python_writes(value, cell):
    for formatter in ('csv', 'value', 'table', 'shell'):
        assert cells.shown(value, formatter) == cell
    assert cells.shown(['=1'], 'csv') == "'=1"
    assert cells.shown(value, 'json') is value

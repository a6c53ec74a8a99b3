# SPDX-License-Identifier: Apache-2.0
"""Tables in a terminal of 80 columns, and ``--long``."""

import io

import pytest

from hypervisor_affinity.cli import fitting
from hypervisor_affinity.cli.listing import LongCommand

ROWS = [
    ('kvm-1', 3, 'image vmware_ostype=windows2019srv_64Guest', None),
    ('kvm-2', 40, 'one two three four five six seven eight nine', 'x'),
]
NAMES = ('Host', 'Servers', 'Effect', 'Further')


class Terminal(io.StringIO):
    def isatty(self):
        return True


class App:
    def __init__(self, stdout):
        self.stdout = stdout


class Hosts(LongCommand):
    """A list."""

    def columns(self, parsed_args):
        return NAMES

    def take_action(self, parsed_args):
        return self.chosen(parsed_args, {'Host', 'Effect'}, ROWS)


def output(*arguments, stdout=None):
    """Return what the command prints."""
    command = Hosts(App(stdout or io.StringIO()), None)
    parsed_args = command.get_parser('x').parse_args(arguments)
    command.formatter = command._formatter_plugins[parsed_args.formatter].obj
    command.produce_output(parsed_args, *command.take_action(parsed_args))
    return command.app.stdout.getvalue()


def words(table):
    """Return the words of a table's last column."""
    return [line.split('|')[-2].strip() for line in table.splitlines()[3:-1]]


def test_few_columns_and_all_of_them_and_those_that_are_named():
    assert output('-f', 'csv').splitlines()[0] == '"Host","Effect"'
    assert output('-f', 'csv', '--long').splitlines()[0] == (
        '"Host","Servers","Effect","Further"'
    )
    assert output('-f', 'value', '-c', 'Servers') == '3\n40\n'


def test_a_table_as_wide_as_asked_with_no_word_cut():
    table = output('--max-width', '40')
    assert {len(line) for line in table.splitlines()} == {39}
    assert words(table) == [
        'image vmware_ostype=',
        'windows2019srv_64Guest',
        'one two three four five six',
        'seven eight nine',
    ]


def test_a_table_of_which_no_part_fits_is_wider():
    table = output('--max-width', '20')
    assert 'windows2019srv_64Guest' in words(table)
    assert {len(line) for line in table.splitlines()} == {34}


def test_numbers_stay_to_the_right():
    lines = output('--long', '--max-width', '60').splitlines()
    assert lines[3].startswith('| kvm-1 |       3 |')


def test_a_terminal_is_fitted_and_a_file_is_not(monkeypatch):
    monkeypatch.setenv('COLUMNS', '44')
    assert max(map(len, output().splitlines())) > 44
    fitted = output(stdout=Terminal())
    assert max(map(len, fitted.splitlines())) <= 44
    assert output('-f', 'json', stdout=Terminal()) == output('-f', 'json')


def test_rows_are_sorted_by_what_they_hold():
    arguments = ('--sort-column', 'Effect', '--sort-descending')
    table = output(*arguments, '--max-width', '40')
    assert table.index('kvm-2') < table.index('kvm-1')


@pytest.mark.parametrize(
    ('text', 'width', 'lines'),
    [
        ('', 5, ['']),
        ('a b c', 3, ['a b', 'c']),
        ('a=b,c=d', 4, ['a=b,', 'c=d']),
        ('x.example.org', 8, ['x.', 'example.', 'org']),
        ('unbreakable', 4, ['unbreakable']),
        (
            '\N{CJK UNIFIED IDEOGRAPH-4E2D}' * 2 + ' a',
            5,
            ['\u4e2d\u4e2d', 'a'],
        ),
    ],
)
def test_lines(text, width, lines):
    assert fitting.lines(text, width) == lines

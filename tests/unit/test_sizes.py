# SPDX-License-Identifier: Apache-2.0
"""tools/check_sizes.py names what is too long, and nothing else."""

import pathlib
import subprocess
import sys

import pytest

from tests.installed import skip_without

PROGRAM = pathlib.Path(__file__).parents[2] / 'tools/check_sizes.py'
SCRIPT = '#!/usr/bin/env python3\n'


def function(lines, start='def long():'):
    return f'{start}\n' + '    pass\n' * (lines - 1)


@pytest.fixture
def check(tmp_path):
    """Return a function that writes a file for git, and runs the program."""
    skip_without('git')
    subprocess.run(['git', 'init', '--quiet'], cwd=tmp_path, check=True)

    def check(name, text, *, tracked=True):
        (tmp_path / name).write_text(text)
        if tracked:
            subprocess.run(['git', 'add', name], cwd=tmp_path, check=True)
        done = subprocess.run(
            [sys.executable, PROGRAM],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.stderr == ''
        return done.returncode, done.stdout.strip()

    return check


@pytest.mark.parametrize(
    'name', ['a.py', 'a.go', 'a.css', 'a.js', 'a.sh', 'a.j2', 'script']
)
def test_a_file_that_is_too_long(check, name):
    start = '#!/bin/sh\n' if name == 'script' else '\n'
    assert check(name, start + '\n' * 399) == (0, '')
    says = f'{name}: 401 lines, more than 400'
    assert check(name, start + '\n' * 400) == (1, says)


@pytest.mark.parametrize('name', ['data.json', 'page.rst', 'LICENSE'])
def test_data_and_prose_are_as_long_as_they_are(check, name):
    assert check(name, '\n' * 1000) == (0, '')


def test_what_git_does_not_track(check):
    assert check('a.py', '\n' * 401, tracked=False) == (0, '')


@pytest.mark.parametrize(
    ('name', 'before', 'start'),
    [
        ('a.py', '', 'def long():'),
        ('a.py', '@table\n' * 60, 'async def long():'),
        ('script', SCRIPT, 'def long():'),
    ],
    ids=['def', 'async', 'script'],
)
def test_a_function_that_is_too_long(check, name, before, start):
    assert check(name, before + function(50, start)) == (0, '')
    line = before.count('\n') + 1
    assert check(name, before + function(51, start)) == (
        1,
        f'{name}:{line}: long has 51 lines, more than 50',
    )


def test_a_method_that_is_too_long(check):
    method = function(51).replace('\n', '\n    ').rstrip()
    code, says = check('a.py', f'class Any:\n    {method}\n')
    assert (code, says) == (1, 'a.py:2: long has 51 lines, more than 50')

# SPDX-License-Identifier: Apache-2.0
"""How commands end whose files are not what they should be."""

import os
import pathlib

import pytest

from tests.unit.cli.ending.commands import ANSWERING
from tests.unit.cli.ending.commands import CLOUD
from tests.unit.cli.ending.commands import SCENARIO
from tests.unit.cli.ending.commands import check_no_answer
from tests.unit.cli.ending.commands import each

FILES = {
    'audit': ['--snapshot', '*'],
    'audit of nova.conf': ['audit', '--snapshot', CLOUD, '--nova-conf', '*'],
    'classify': ['--file', '*'],
    'decisions': ['--nova-conf', '*'],
    'decisions to a file': [
        *('decisions', '--transport-url', 'fake:/', '--output', '*')
    ],
    'explain': ['windows', 'medium', '--snapshot', '*'],
    'explain a page': [
        *('explain', 'windows', 'medium', '--snapshot', CLOUD, '--html', '*')
    ],
    'explain decisions': [
        *('explain', '--decisions', '*', '--server'),
        '5b1a7d52-6a4e-4cbf-9d3c-0c1f7f7b1f01',
    ],
    'exporter': ['--snapshot', '*'],
    'exporter of vCenters': ['exporter', '--vcenter-conf', '*'],
    'image audit': ['--snapshot', '*'],
    'image inspect': ['*'],
    'image prepare': ['*', '{folder}/made.vmdk'],
    'image upload': ['*'],
    'simulate': ['*'],
    'simulate a cloud': ['simulate', SCENARIO, '--snapshot', '*'],
    'simulate with nova.conf': ['simulate', SCENARIO, '--nova-conf', '*'],
    'simulate a plot': ['simulate', SCENARIO, '--plot', '*'],
    'snapshot save': ['*', '--snapshot', CLOUD],
    'snapshot save a file': [
        *('snapshot', 'save', '{folder}/saved.json', '--snapshot', '*')
    ],
    'snapshot show': ['*'],
    'vcenter check': ['--snapshot', '*'],
    'vcenter check of files': ['vcenter', 'check', '--vcenter-conf', '*'],
    'vcenter show': ['--snapshot', '*'],
    'log file': ['--log-file', '*', 'audit', '--snapshot', CLOUD],
}
WRITTEN = (
    'decisions to a file',
    'explain a page',
    'simulate a plot',
    'snapshot save',
    'log file',
)
# It names each line.
MANY_LINES = ('explain decisions',)


def with_file(case, file, folder):
    words = FILES[case]
    if case in ANSWERING:
        words = [*case.split(), *words]
    if case == 'simulate a plot':
        file = file.with_suffix('.svg')
    return [
        str(file if word == '*' else word).format(folder=folder)
        for word in words
    ]


def test_every_command_has_its_files_here():
    assert set(ANSWERING) <= set(FILES)


@each(FILES)
def test_a_directory_as_a_file(run, tmp_path, command):
    folder = tmp_path / 'folder.json'
    arguments = with_file(command, folder, tmp_path)
    for word in arguments:
        if word.startswith(str(tmp_path / 'folder')):
            os.mkdir(word)
    check_no_answer(run(*arguments))


@each([case for case in FILES if case not in (*WRITTEN, *MANY_LINES)])
def test_a_file_of_anything(run, tmp_path, command):
    file = tmp_path / 'file.yaml'
    file.write_bytes(b'\xff\xfe\x00\x80' * 100)
    done = run(*with_file(command, file, tmp_path))
    # To "image inspect", it is a raw disk.
    if done.code != 3:
        assert command.startswith('image')
        assert done.code in (0, 1)
    assert 'unexpected' not in done.err
    assert len(done.err.splitlines()) <= 1


@each([case for case in FILES if case not in WRITTEN])
def test_a_file_that_cannot_be_read(run, tmp_path, command):
    """It can be opened, as on a disk with a fault."""
    file = pathlib.Path('/proc/self/mem')
    line = check_no_answer(run(*with_file(command, file, tmp_path)))
    assert f'{file}: Input/output error' in line


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('taken_at: 2026-02-30', 'not valid YAML: '),
        ('version: ' + '1' * 5000, 'line 1, column 10: a number has more'),
        ('[' * 500, 'line 1, column 51: more than 50 nested'),
    ],
    ids=lambda text: text[:20],
)
def test_a_value_that_yaml_cannot_have(run, tmp_path, text, said):
    path = tmp_path / 'cloud.yaml'
    path.write_text(text)
    line = check_no_answer(run('audit', '--snapshot', path))
    assert f'{path}: {said}' in line

# SPDX-License-Identifier: Apache-2.0
"""YAML that is too deep, too large or stands for too much is named."""

import subprocess
import sys

import pytest

from hypervisor_affinity.cloud import yaml_document
from hypervisor_affinity.cloud.files import read_yaml
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.yaml_document import YamlError

_MERGES = 'a0: &a0 {x: 1}\n' + ''.join(
    f'a{i}: &a{i}\n  <<: [*a{i - 1}, *a{i - 1}]\n' for i in range(1, 60)
)
_LAUGHS = 'a0: &a0 [x]\n' + ''.join(
    f'a{i}: &a{i} [{", ".join([f"*a{i - 1}"] * 10)}]\n' for i in range(1, 12)
)


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        (_MERGES, 'line 27, column 8: aliases expand to more than 100000 el'),
        (_LAUGHS, 'aliases expand to more than 100000 elements'),
        ('&a [*a]', 'line 1, column 5: alias *a refers to a collection'),
        ('a: *b', 'line 1, column 4: alias *b refers to a collection that'),
        (
            'a: ' + '1' * 401,
            'line 1, column 4: a number has more than 400 dig',
        ),
        ('a: 1' + ':59' * 10**6, 'a number has more than 400 digits'),
        ('a: 1' + ':59' * 10**6 + '.5', 'a number has more than 400 digits'),
        ('%TAG ! tag:' + 'x' * 1000 + ',\n---\n!a b', 'a tag is too long'),
        ('a: 2001-99-99', 'not valid YAML: month must be in 1..12'),
        ('!!bool x', 'not valid YAML: '),
        ('!!int ""', 'not valid YAML: '),
        ('!!float x', 'not valid YAML: '),
        ('!!timestamp x', 'not valid YAML: '),
        ('{[a]: b}', 'not valid YAML: '),
        ('a: \0', 'not valid YAML: '),
        ('a: 1\n---\nb: 2', 'not valid YAML: '),
        ('!!python/object/apply:os.system [id]', 'not valid YAML: '),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_wrong_is_named(text, says):
    with pytest.raises(YamlError) as caught:
        yaml_document.parse(text)
    assert says in str(caught.value)


def test_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(yaml_document, 'LARGEST', 2 * 1024**2)
    path = tmp_path / 's.yaml'
    path.write_text('#' * (2 * 1024**2 + 1))
    with pytest.raises(SourceError) as caught:
        read_yaml(path, dict)
    assert str(caught.value) == f'{path}: it is larger than 2 MiB'


def test_endless(monkeypatch):
    with (
        open('/dev/zero', 'rb') as file,
        pytest.raises(YamlError, match='larger than 32 MiB'),
    ):
        yaml_document.read(file)


def test_aliases_that_lead_deep(tmp_path):
    depth = yaml_document.DEEPEST - 5
    path = tmp_path / 's.yaml'
    path.write_text(
        'a0: &a0 x\n'
        + ''.join(
            f'a{i}: &a{i} {"[" * depth}*a{i - 1}{"]" * depth}\n'
            for i in range(1, 60)
        )
    )
    with pytest.raises(SourceError) as caught:
        read_yaml(path, dict[str, list[list[list[object]]] | str])
    assert str(caught.value).startswith(f'{path}: ')


def test_what_has_a_meaning_is_read():
    text = 'a: &a {x: 0x1F, y: 1_0, z: 1:30, f: 1.5e+3, i: -.inf}\nb: {<<: *a}'
    read = yaml_document.parse(text)
    assert read['b'] == read['a']
    assert read['a'] == {
        'x': 31,
        'y': 10,
        'z': 90,
        'f': 1500.0,
        'i': float('-inf'),
    }
    deep = '[' * yaml_document.DEEPEST + ']' * yaml_document.DEEPEST
    assert yaml_document.parse(deep)


@pytest.mark.parametrize(
    'text', ['[' * 100_000, '- ' * 100_000], ids=['flow', 'block']
)
def test_a_command_is_not_crashed(tmp_path, text):
    # In libyaml's own code, where nothing could be caught.
    path = tmp_path / 'image.yaml'
    path.write_text(text)
    module = 'hypervisor_affinity.cli.shell'
    done = subprocess.run(
        [sys.executable, '-m', module, 'classify', '--file', path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.startswith(f'classify: {path}: line 1, column ')
    assert done.stderr.endswith('more than 50 nested levels\n')

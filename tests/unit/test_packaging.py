# SPDX-License-Identifier: Apache-2.0
"""What the files around the package promise to those who package it."""

import configparser
import pathlib
import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = pathlib.Path(__file__).parents[2]
CONSTRAINTS = sorted((ROOT / 'constraints').glob('*.txt'))
PYTHONS = ('3.11', '3.12', '3.13')
# The extras that the list of every series has.
EXTRAS = (
    'cli',
    'decisions',
    'vsphere',
    'exporter',
    'plot',
    'test',
    'docs',
    'lint',
    'ci',
)


@pytest.fixture(scope='module')
def setup_cfg():
    parser = configparser.ConfigParser()
    parser.read(ROOT / 'setup.cfg')
    return parser


def lines(path):
    """Return a file's lines that are neither empty nor comments."""
    found = map(str.strip, path.read_text().splitlines())
    return [line for line in found if line and not line.startswith('#')]


def pins(path, python):
    """Return the version of each package, normalised, on one Python."""
    environment = {
        'implementation_name': 'cpython',
        'platform_machine': 'x86_64',
        'python_full_version': f'{python}.9',
        'python_version': python,
        'sys_platform': 'linux',
    }
    found = {}
    for line in lines(path):
        pin = Requirement(line)
        if pin.marker and not pin.marker.evaluate(environment):
            continue
        (specifier,) = pin.specifier
        assert specifier.operator == '==', line
        name = canonicalize_name(pin.name)
        assert name not in found, line
        found[name] = specifier.version
    return found


@pytest.mark.parametrize('python', PYTHONS)
@pytest.mark.parametrize('path', CONSTRAINTS, ids=lambda path: path.name)
def test_every_constraint_is_one_version(path, python):
    assert {'nova', 'openstack-placement', 'pytest'} <= set(pins(path, python))


@pytest.mark.parametrize('path', CONSTRAINTS, ids=lambda path: path.name)
def test_what_is_asked_for_is_pinned(path):
    asked = [
        Requirement(line)
        for line in lines(path.with_suffix('.in'))
        if not line.startswith('--editable')
    ]
    assert asked
    for python in PYTHONS:
        pinned = pins(path, python)
        for each in asked:
            version = pinned[canonicalize_name(each.name)]
            assert version in each.specifier, each


@pytest.mark.parametrize('python', PYTHONS)
@pytest.mark.parametrize('path', CONSTRAINTS, ids=lambda path: path.name)
def test_every_constraint_satisfies_what_is_required(path, python, setup_cfg):
    wanted = [
        Requirement(line)
        for extra in EXTRAS
        for line in setup_cfg['options.extras_require'][extra].splitlines()
        if line and not line.startswith(('#', 'hypervisor-affinity'))
    ]
    wanted += map(Requirement, lines(ROOT / 'requirements.txt'))
    pinned = pins(path, python)
    for each in wanted:
        version = pinned[canonicalize_name(each.name)]
        assert version in each.specifier, each


def test_bindep_names_what_the_gate_installs():
    bindep = lines(ROOT / 'bindep.txt')
    entry = re.compile(r'[a-z0-9.+-]+( \[[a-z0-9: -]+\])?')
    assert [line for line in bindep if not entry.fullmatch(line)] == []
    gate = (ROOT / '.ci/run').read_text()
    installed = re.findall(r"missing\+=\('([\w-]+)'\)", gate)
    assert installed
    assert set(installed) <= {line.split()[0] for line in bindep}


def test_every_command_has_a_manual_page(setup_cfg):
    scripts = setup_cfg['options.entry_points']['console_scripts']
    commands = re.findall(r'^([\w-]+) =', scripts, re.MULTILINE)
    assert commands
    pages = (ROOT / 'doc/source/conf.py').read_text()
    index = (ROOT / 'doc/source/cli/index.rst').read_text()
    for command in commands:
        assert (ROOT / f'doc/source/cli/{command}.rst').is_file()
        assert f"            '{command}',\n" in pages
        assert re.search(rf'(?m)^   (.* <)?{command}>?$', index)


def test_every_example_is_installed(setup_cfg):
    patterns = {
        pattern
        for value in setup_cfg['options.data_files'].values()
        for pattern in value.split()
    }
    installed = {path for pattern in patterns for path in ROOT.glob(pattern)}
    examples = {
        path
        for path in (ROOT / 'etc').rglob('*')
        if path.is_file() and 'config-generator' not in path.name
    }
    assert examples == installed


def test_pages_show_options_that_can_be_found(setup_cfg):
    # Of a namespace that does not exist, oslo.config's directive shows
    # nothing, without a word.
    found = setup_cfg['options.entry_points']['oslo.config.opts']
    namespaces = set(re.findall(r'^([\w.]+) =', found, re.MULTILINE))
    for page in (ROOT / 'doc/source').rglob('*.rst'):
        shown = re.findall(
            r'^\.\. show-options::\n((?:\n|   .*\n)+)',
            page.read_text(),
            re.MULTILINE,
        )
        assert set(' '.join(shown).split()) <= namespaces, page


def test_one_address_is_the_project_s(setup_cfg):
    metadata = setup_cfg['metadata']
    address = metadata['url']
    urls = dict(
        line.split(' = ')
        for line in metadata['project_urls'].split('\n')
        if line
    )
    assert set(urls) == {
        'Documentation',
        'Source',
        'Release Notes',
        'Bug Tracker',
    }
    for url in urls.values():
        assert url == address or url.startswith(f'{address}/')
    jobs = (ROOT / '.zuul.yaml').read_text()
    assert set(re.findall(r'https://\S+', jobs)) == {address}
    for shown in ('Documentation', 'Release Notes'):
        assert (ROOT / urls[shown].partition('/src/branch/main/')[2]).exists()

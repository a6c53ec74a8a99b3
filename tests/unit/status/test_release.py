# SPDX-License-Identifier: Apache-2.0
import configparser
import pathlib
import re

import pytest

from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import release

ROOT = pathlib.Path(__file__).parents[3]


@pytest.mark.parametrize(
    ('nova', 'python', 'codes'),
    [
        ('31.3.1', (3, 11), []),
        ('31.0.0', (3, 11), [Severity.WARNING]),
        ('31.3.0', (3, 11), [Severity.WARNING]),
        ('31.10.0', (3, 11), []),
        ('32.0.0', (3, 11), [Severity.WARNING]),
        ('32.2.1', (3, 11), []),
        ('33.0.1', (3, 11), [Severity.WARNING]),
        ('33.0.2.dev4', (3, 11), [Severity.WARNING]),
        ('33.0.2', (3, 11), []),
        ('34.0.0.0rc1', (3, 11), [Severity.WARNING]),
        ('34.0.0', (3, 11), []),
        ('34.1.0.dev3', (3, 13), []),
        ('30.1.0', (3, 11), [Severity.ERROR]),
        ('35.0.0', (3, 12), [Severity.WARNING]),
        ('34.0.0', (3, 14), [Severity.WARNING]),
        ('35.0.0', (3, 14), [Severity.WARNING, Severity.WARNING]),
    ],
)
def test_releases(nova, python, codes):
    assert [found.severity for found in release.check(nova, python)] == codes


def test_a_nova_that_takes_its_own_hints_from_users():
    (finding,) = release.check('33.0.1', (3, 11))
    for named in ('33.0.1', 'CVE-2026-46448', 'Upgrade nova to 33.0.2'):
        assert named in finding.text


def test_every_release_says_since_when():
    supported = range(release.OLDEST_NOVA, release.NEWEST_NOVA + 1)
    assert sorted(release.HINTS_STRIPPED_SINCE) == list(supported)
    *first, last = release.HINTS_STRIPPED_SINCE.values()
    for name in (
        'README.rst',
        'setup.cfg',
        'doc/source/nova-releases.rst',
        'doc/source/cli/hypervisor-affinity-status.rst',
    ):
        text = (ROOT / name).read_text(encoding='utf-8').replace('#', ' ')
        assert re.search(
            rf'{", ".join(first)} (and|or) {last}', ' '.join(text.split())
        ), name


def test_the_table_of_supported_releases():
    text = (ROOT / 'doc/source/install.rst').read_text(encoding='utf-8')
    rows = re.findall(r'(?m)^(\d+) +(20\d\d\.\d) +(\d+\.\d+\.\d+)$', text)
    assert {
        int(nova): since for nova, _, since in rows
    } == release.HINTS_STRIPPED_SINCE
    assert {openstack for _, openstack, _ in rows} == {
        path.stem for path in (ROOT / 'constraints').glob('*.in')
    }


def test_the_releases_are_those_that_the_tests_run_beside():
    config = configparser.ConfigParser()
    config.read([ROOT / 'tox.ini', ROOT / 'setup.cfg'])
    described = config['testenv']['description']
    novas = [int(number) for number in re.findall(r'nova(\d+):', described)]
    assert [min(novas), max(novas)] == [
        release.OLDEST_NOVA,
        release.NEWEST_NOVA,
    ]
    pythons = re.findall(
        r'Python :: 3\.(\d+)', config['metadata']['classifiers']
    )
    assert max(map(int, pythons)) == release.NEWEST_PYTHON[1]

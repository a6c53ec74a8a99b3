# SPDX-License-Identifier: Apache-2.0
import configparser
import pathlib
import re

import pytest
from oslo_upgradecheck.upgradecheck import Code

from hypervisor_affinity.status import release

ROOT = pathlib.Path(__file__).parents[3]


@pytest.mark.parametrize(
    ('nova', 'python', 'codes'),
    [
        ('31.0.0', (3, 11), []),
        ('34.1.0.dev3', (3, 13), []),
        ('30.1.0', (3, 11), [Code.FAILURE]),
        ('35.0.0', (3, 12), [Code.WARNING]),
        ('34.0.0', (3, 14), [Code.WARNING]),
        ('35.0.0', (3, 14), [Code.WARNING, Code.WARNING]),
    ],
)
def test_releases(nova, python, codes):
    assert [found.code for found in release.check(nova, python)] == codes


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

# SPDX-License-Identifier: Apache-2.0

import os
import subprocess

import pytest

from tests.unit.cli.ending.commands import QUIET
from tests.unit.cli.ending.commands import SCENARIO_TEXT


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """No clouds.yaml of this machine is read, and no variable."""
    (tmp_path / 'scenario.yaml').write_text(SCENARIO_TEXT)
    (tmp_path / 'disk.raw').write_bytes(bytes(512))
    for name in os.environ:
        if name.startswith('OS_'):
            monkeypatch.delenv(name)
    for kind in ('CONFIG_FILES', 'SECURE_FILES'):
        monkeypatch.setattr(f'openstack.config.loader.{kind}', [])


@pytest.fixture
def start(tmp_path):
    """Return a function that runs a program to its end, really."""

    def run(started, *arguments, **options):
        environment = {**QUIET, **options.pop('env', {})}
        return subprocess.run(
            [*started, *map(str, arguments)],
            **{
                'stdout': subprocess.PIPE,
                'stderr': subprocess.PIPE,
                'text': True,
                'errors': 'surrogateescape',
                'env': environment,
                **options,
            },
        )

    return run

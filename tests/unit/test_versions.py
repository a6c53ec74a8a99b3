# SPDX-License-Identifier: Apache-2.0
"""A clone builds before a release, on it and behind it."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from tests.installed import skip_without

ROOT = pathlib.Path(__file__).parents[2]
# What decides how the package is built: as it is here, committed or not.
BUILD_FILES = ('pyproject.toml', 'setup.cfg', 'setup.py')
# What pip and build call, by PEP 517 and 660, in the order of the output.
BUILD_ALL = """
import sys
from pbr import build
for make in (build.build_sdist, build.build_wheel, build.build_editable):
    print('built', make(sys.argv[1]))
"""


def run(*command: str, folder: pathlib.Path | None = None) -> str:
    """Return what a command prints."""
    # Of git, nothing but what is asked: a hook's own tells another checkout.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(('GIT_', 'PBR_'))
    }
    environment |= {
        'GIT_CONFIG_GLOBAL': os.devnull,
        'GIT_CONFIG_NOSYSTEM': '1',
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def commit(clone: pathlib.Path) -> None:
    """Add a commit that changes nothing."""
    git = ('git', '-c', 'user.name=Test', '-c', 'user.email=test@localhost')
    run(*git, 'commit', '--quiet', '--allow-empty', '-amTest', folder=clone)


@pytest.fixture
def clone(tmp_path):
    """A clone of this checkout, as a release would find it, without tags."""
    skip_without('git')
    if not (ROOT / '.git').exists():
        pytest.skip('of an sdist, which has its version in PKG-INFO')
    path = tmp_path / 'clone'
    # The tags that are there must not decide what is seen here.
    run('git', 'clone', '--quiet', '--no-tags', str(ROOT), str(path))
    for name in BUILD_FILES:
        shutil.copy(ROOT / name, path)
    commit(path)
    return path


def versions(clone: pathlib.Path, folder: pathlib.Path) -> list[str]:
    """Build all three and return the version that each has."""
    folder.mkdir()
    said = run(sys.executable, '-c', BUILD_ALL, str(folder), folder=clone)
    name = re.compile(
        r'^built hypervisor_affinity-(.+?)'
        r'(?:\.tar\.gz|(?:-0\.editable)?-py3-none-any\.whl)$',
        re.MULTILINE,
    )
    found = name.findall(said)
    assert len(found) == 3, said
    return found


def test_a_clone_without_tags_builds(clone, tmp_path):
    (version,) = set(versions(clone, tmp_path / 'dist'))
    assert re.fullmatch(r'0\.0\.1\.dev[1-9]\d*', version)


def test_a_tagged_clone_builds_the_release(clone, tmp_path):
    run('git', 'tag', '0.1.0', folder=clone)
    assert set(versions(clone, tmp_path / 'dist')) == {'0.1.0'}


def test_a_commit_behind_a_tag_builds(clone, tmp_path):
    run('git', 'tag', '0.1.0', folder=clone)
    commit(clone)
    assert set(versions(clone, tmp_path / 'dist')) == {'0.1.1.dev1'}


def test_a_shallow_clone_builds(clone, tmp_path):
    run('git', 'tag', '0.1.0', folder=clone)
    commit(clone)
    shallow = tmp_path / 'shallow'
    run('git', 'clone', '--quiet', '--depth=1', clone.as_uri(), str(shallow))
    # It cannot know better.
    assert set(versions(shallow, tmp_path / 'dist')) == {'0.0.0'}

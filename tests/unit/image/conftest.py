# SPDX-License-Identifier: Apache-2.0
import shutil

import pytest

from tests import disk_files
from tests.installed import skip_without


@pytest.fixture(scope='module')
def disks(tmp_path_factory):
    """The same disk in each format and subformat; name -> path."""
    skip_without('qemu-img')
    return disk_files.every_kind(tmp_path_factory.mktemp('disks'))


@pytest.fixture
def calls(tmp_path_factory, monkeypatch):
    """A qemu-img that notes that it was called; the file with its notes."""
    folder = tmp_path_factory.mktemp('bin')
    notes = folder / 'notes'
    for program in ('prlimit', 'setpriv', 'sh'):
        (folder / program).symlink_to(shutil.which(program))
    script = folder / 'qemu-img'
    script.write_text(f'#!{folder}/sh\necho "$@" >>{notes}\nexit 1\n')
    script.chmod(0o755)
    monkeypatch.setenv('PATH', str(folder))
    return notes


@pytest.fixture(scope='module')
def disk(tmp_path_factory):
    """A streamOptimized VMDK's content."""
    skip_without('qemu-img')
    folder = tmp_path_factory.mktemp('disk')
    return disk_files.vmdk(folder, 'streamOptimized').read_bytes()


@pytest.fixture
def raw(tmp_path):
    return disk_files.raw(tmp_path / 'server.raw')


@pytest.fixture
def target(tmp_path):
    """Return a name in an empty folder."""
    folder = tmp_path / 'target'
    folder.mkdir()
    return folder / 'server.vmdk'


@pytest.fixture
def installed():
    skip_without('qemu-img')

# SPDX-License-Identifier: Apache-2.0
"""``image prepare`` as an operator types it."""

import os
import re
import signal
import subprocess
import time

import pytest

from tests import disk_files
from tests.disk_files import MIB
from tests.installed import skip_without
from tests.unit.cli import program


@pytest.fixture(autouse=True)
def installed():
    skip_without('qemu-img')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, which is empty."""
    path = tmp_path / 'current'
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def disk(tmp_path):
    return disk_files.vmdk(tmp_path, 'monolithicFlat', adapter_type='buslogic')


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_people_get_sentences_and_a_table(run, folder, disk):
    done = run('image', 'prepare', disk)
    assert (done.code, done.err) == (0, '')
    saving, following, *table = done.out.splitlines()
    assert re.fullmatch(
        r'monolithicFlat\.vmdk: has the content of .*/monolithicFlat\.vmdk; '
        r'1\.\d MiB to transfer instead of 16 MiB: 9\d % less',
        saving,
    )
    assert following == (
        'Next: hypervisor-affinity image upload monolithicFlat.vmdk '
        '--adapter-type busLogic'
    )
    assert '| format           | vmdk monolithicFlat' in '\n'.join(table)
    assert names(folder) == ['monolithicFlat.vmdk']


def test_programs_get_numbers(run, folder, disk):
    done = run(
        *('image', 'prepare', disk, 'a.vmdk', '-f', 'json'),
        *('--type', 'monolithicSparse', '--adapter-type', 'paraVirtual'),
        *('--hardware-version', '13'),
    )
    rows = {row['Part']: (row['Source'], row['Target']) for row in done.json()}
    assert rows['file'] == (str(disk), 'a.vmdk')
    assert rows['format'] == ('vmdk monolithicFlat', 'vmdk monolithicSparse')
    assert rows['adapter type'] == (
        'buslogic',
        'lsilogic, for vmware_adaptertype=paraVirtual',
    )
    assert rows['hardware version'] == ('4', '13')
    assert rows['virtual size'] == (16 * MIB, 16 * MIB)
    before, now = rows['size of files']
    assert before == 16 * MIB + disk.stat().st_size
    assert now == (folder / 'a.vmdk').stat().st_size
    assert rows['content'] == ('compared', 'identical')


def test_the_source_keeps_its_name(run, folder, disk):
    disk_files.vmdk(folder, 'monolithicSparse')
    command = ('image', 'prepare', 'monolithicSparse.vmdk')
    assert run(*command).code == 0
    assert names(folder) == [
        'monolithicSparse-streamOptimized.vmdk',
        'monolithicSparse.vmdk',
    ]
    again = run(*command)
    assert (again.code, again.out) == (3, '')
    assert again.err == (
        'image prepare: monolithicSparse-streamOptimized.vmdk: exists; choose '
        'another name, or use --replace\n'
    )
    assert run(*command, '--replace').code == 0


def test_a_flat_disk_is_not_for_glance(run, folder, disk):
    done = run('image', 'prepare', disk, '--type', 'monolithicFlat')
    assert done.code == 0
    assert '\nGlance refuses it: monolithicFlat has 2' in done.out
    assert 'image upload' not in done.out


def test_what_an_appliance_says_goes_on(run, folder, tmp_path):
    content = disk_files.vmdk(tmp_path, 'streamOptimized').read_bytes()
    ovf = """<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
        xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
      <References>
        <File ovf:id="f" ovf:href="one.vmdk"/>
        <File ovf:id="g" ovf:href="two.vmdk"/>
      </References>
      <DiskSection>
        <Disk ovf:diskId="d" ovf:fileRef="f"/>
        <Disk ovf:diskId="e" ovf:fileRef="g"/>
      </DiskSection>
      <VirtualSystem ovf:id="vm"><OperatingSystemSection ovf:id="94"
        xmlns:vmw="http://www.vmware.com/schema/ovf"
        vmw:osType="ubuntu64Guest"/><VirtualHardwareSection><Item>
          <InstanceID>1</InstanceID><ResourceType>10</ResourceType>
          <ResourceSubType>VmxNet3</ResourceSubType>
        </Item></VirtualHardwareSection></VirtualSystem>
    </Envelope>"""
    ova = disk_files.archive(
        tmp_path / 'appliance.ova',
        {'a.ovf': ovf.encode(), 'one.vmdk': content, 'two.vmdk': content},
    )
    assert '(one.vmdk, two.vmdk)' in run('image', 'prepare', ova).err
    done = run('image', 'prepare', ova, '--disk', 'two.vmdk')
    assert (done.code, done.err) == (0, '')
    assert done.out.splitlines()[1] == (
        'Next: hypervisor-affinity image upload appliance.vmdk '
        '--adapter-type ide --guest-id ubuntu64Guest '
        '--vif-model VirtualVmxnet3'
    )
    assert 'vmdk streamOptimized in an OVA' in done.out


@pytest.mark.parametrize(
    'wrong',
    [
        ('--hardware-version', '0'),
        ('--hardware-version', '100'),
        ('--hardware-version', '2147483648'),
        ('--hardware-version', '9' * 5000),
        ('--hardware-version', '\N{FULLWIDTH DIGIT FOUR}'),
        ('--hardware-version', 'vmx-13'),
        ('--type', 'vmfs'),
        ('--adapter-type', 'virtio'),
    ],
)
def test_a_wrong_command_line(run, folder, disk, wrong):
    done = run('image', 'prepare', disk, *wrong)
    assert (done.code, done.out) == (2, '')
    assert wrong[0] in done.err
    assert len(done.err.splitlines()[-1]) < 200
    assert names(folder) == []


# Signals, to the program as a process of its own.


@pytest.fixture
def start(folder, tmp_path):
    """Return a function that has the program write for a while.

    Compressing takes a second for each 30 MiB or so.
    """
    processes = []

    def run_until_it_writes(size, *before):
        source = tmp_path / 'big.raw'
        source.write_bytes(os.urandom(size))
        process = program.start(
            *(*before, *program.PROGRAM, 'image', 'prepare', source),
            start_new_session=True,
        )
        processes.append(process)
        while not list(folder.glob('.image-prepare-*/disk.vmdk')):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        return process

    yield run_until_it_writes
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ('number', 'code'),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_who_ends_it_finds_nothing(folder, start, number, code):
    started = start(128 * MIB)
    started.send_signal(number)
    out, err = started.communicate()
    assert (started.returncode, out) == (code, '')
    assert 'Traceback' not in err
    assert names(folder) == []


def test_ctrl_c_is_heard_by_qemu_img_too(folder, start):
    started = start(128 * MIB)
    os.killpg(started.pid, signal.SIGINT)
    assert started.wait() == 130
    assert names(folder) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(started.pid, 0)


def test_who_is_impatient_finds_nothing_either(folder, start):
    started = start(128 * MIB)
    while started.poll() is None:
        os.killpg(started.pid, signal.SIGINT)
    assert names(folder) == []


def test_what_nohup_ignores_stays_ignored(folder, start):
    started = start(8 * MIB, 'nohup')
    started.send_signal(signal.SIGHUP)
    started.communicate()
    assert started.returncode == 0
    assert names(folder) == ['big.vmdk']


def test_a_full_file_system(folder, disk):
    """A real one, which only this process sees."""
    script = (
        'mount -t tmpfs -o size=1m tmpfs . || exit 77\n'
        'cd "$PWD"\n'
        '"$@" --skip-space-check\n'
        'code=$?\n'
        'ls -A\n'
        'exit $code\n'
    )
    done = subprocess.run(
        [
            *('unshare', '--user', '--map-root-user', '--mount'),
            *(
                'sh',
                '-c',
                script,
                'sh',
                *program.PROGRAM,
                'image',
                'prepare',
                disk,
            ),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode == 77 or 'unshare failed' in done.stderr:
        pytest.skip(f'no file system of its own: {done.stderr}')
    assert 'monolithicFlat.vmdk: was not written: no space' in done.stderr
    assert (done.returncode, done.stdout) == (3, '')

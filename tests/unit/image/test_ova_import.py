# SPDX-License-Identifier: Apache-2.0
"""What is said of an OVA is what nova's own code does with it."""

import gzip
import hashlib
import io
import re
import tarfile

import hypothesis
import pytest
from hypothesis import strategies as st

from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image.appliance import ova
from hypervisor_affinity.image.disk import Declared
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.inspection import inspect_content
from hypervisor_affinity.image.inspection import inspect_image
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests import disk_files
from tests.unit.image.ova_driver import imported
from tests.unit.image.ovas import OVF
from tests.unit.image.ovas import TWO
from tests.unit.image.ovas import packed
from tests.unit.image.preparing import ignore

# Without ``xmlns:ovf``, a namespace has another prefix for attributes.
OTHER_PREFIX = OVF.replace('xmlns:ovf', 'xmlns:o').replace(' ovf:', ' o:')
OTHER_NAMESPACE = OTHER_PREFIX.replace(
    '<Envelope', '<Envelope xmlns:ovf="http://example.org/"'
)
BLANK = '<Disk ovf:diskId="blank" ovf:capacity="1"/><Disk ovf:diskId='
EMPTY = BLANK.replace('ovf:capacity', 'ovf:fileRef="" ovf:capacity')
TWICE = '<File ovf:href="web-9.vmdk" ovf:id="file2"/><File ovf:href='


DISKS = re.compile(r'(.*/)?web[- ]1\.vmdk(\.000000000)?')


def made(
    disk,
    ovf=OVF,
    names=('web.ovf', 'web-1.vmdk'),
    form=tarfile.USTAR_FORMAT,
    **contents,
):
    """Return an OVA with members in this order."""

    def content(name):
        if DISKS.fullmatch(name):
            return disk
        if name.endswith('.ovf'):
            return ovf.encode()
        if name.endswith('.mf'):
            digest = hashlib.sha1(disk).hexdigest()
            return f'SHA1(web-1.vmdk)= {digest}\n'.encode()
        return contents.get(name, b'')

    return packed({name: content(name) for name in names}, form)


FOUND = {
    'as ovftool packs it': {},
    'with a manifest between': {'names': ('web.ovf', 'web.mf', 'web-1.vmdk')},
    'with another file before': {
        'names': ('boot.iso', 'web.ovf', 'web-1.vmdk')
    },
    'a disk in a folder': {
        'ovf': OVF.replace('web-1.vmdk', 'disks/web-1.vmdk'),
        'names': ('web.ovf', 'disks/web-1.vmdk'),
    },
    'the OVF in the same folder': {
        'ovf': OVF.replace('web-1.vmdk', 'disks/web-1.vmdk'),
        'names': ('disks/web.ovf', 'disks/web-1.vmdk'),
    },
    'one chunk': {'names': ('web.ovf', 'web-1.vmdk.000000000')},
    'GNU tar': {'form': tarfile.GNU_FORMAT},
    'pax tar': {'form': tarfile.PAX_FORMAT},
    'OVF 2': {'ovf': OVF.replace('envelope/1', 'envelope/2')},
    'a blank disk behind': {
        'ovf': OVF.replace('</DiskSection>', '<Disk/></DiskSection>')
    },
}

NOT_FOUND = {
    'the disk before the OVF': (
        {'names': ('web-1.vmdk', 'web.ovf')},
        'reads the archive once, and the disk is before the OVF',
    ),
    'another prefix': (
        {'ovf': OTHER_PREFIX},
        'only if the prefix of its namespace is ovf',
    ),
    'the prefix of another namespace': (
        {'ovf': OTHER_NAMESPACE},
        'only if the prefix of its namespace is ovf',
    ),
    'a blank disk first': (
        {'ovf': OVF.replace('<Disk ovf:diskId=', BLANK, 1)},
        'only the first disk of the OVF, an empty one',
    ),
    'an empty reference first': (
        {'ovf': OVF.replace('<Disk ovf:diskId=', EMPTY, 1)},
        'only the first disk of the OVF, an empty one',
    ),
    'an encoded name': (
        {
            'ovf': OVF.replace('web-1.vmdk', 'web%201.vmdk'),
            'names': ('web.ovf', 'web 1.vmdk'),
        },
        "finds no member that is called as in the OVF: 'web%201.vmdk'",
    ),
    'the OVF in a folder': (
        {'names': ('web/web.ovf', 'web/web-1.vmdk')},
        "finds no member that is called as in the OVF: 'web-1.vmdk'",
    ),
    'a folder of its own': (
        {'names': ('./web.ovf', './web-1.vmdk')},
        "finds no member that is called as in the OVF: 'web-1.vmdk'",
    ),
    'a name that begins likewise': (
        {'names': ('web.ovf', 'web-1.vmdk.sig', 'web-1.vmdk')},
        "imports only one disk, 'web-1.vmdk.sig'",
    ),
}


@pytest.mark.parametrize('kind', FOUND)
def test_the_driver_would_find_the_disk(disk, kind):
    content = made(disk, **FOUND[kind])
    found = inspect_content(disk_files.Counting(content))
    assert imported(content, counts=False) == (disk, None)
    assert found.appliance.obstacle is None
    sent, complaint = imported(content)
    assert sent == disk
    assert 'Incomplete VMDK upload' in complaint
    answer = acceptance.by_vsphere(found)
    assert not answer.accepts
    assert 'made for an OVA' in answer.why
    assert 'oslo.vmware 3.4.0 or later' in answer.why
    assert answer.why.endswith('extract the disk with "image prepare"')


@pytest.mark.parametrize('kind', NOT_FOUND)
def test_the_driver_would_not_find_the_disk(disk, kind):
    settings, why = NOT_FOUND[kind]
    content = made(disk, **settings)
    found = inspect_content(disk_files.Counting(content))
    assert imported(content, counts=False)[0] != disk
    assert imported(content)[1]
    answer = acceptance.by_vsphere(found)
    assert not answer.accepts
    assert why in answer.why
    assert '"image prepare"' in answer.why


def test_the_driver_would_take_the_first_of_two(disk):
    content = made(
        disk,
        TWO,
        ('web.ovf', 'web-1.vmdk', 'web-2.vmdk'),
        **{'web-2.vmdk': disk[:-512]},
    )
    found = inspect_image(
        disk_files.Counting(content), Declared('vmdk', 'ova'), 'web-1.vmdk'
    )
    # TWO lists the second one first.
    assert imported(content, counts=False) == (disk[:-512], None)
    why = acceptance.by_vsphere(found).why
    assert "imports only one disk, 'web-2.vmdk'" in why
    assert why.endswith(
        '"image prepare --disk NAME", or all with "--disk all"'
    )


def test_the_driver_would_take_the_first_compressed(disk):
    compressed = gzip.compress(disk)
    content = made(
        disk,
        TWO.replace('"web-2.vmdk"', '"web-2.vmdk" ovf:compression="gzip"'),
        ('web.ovf', 'web-1.vmdk', 'web-2.vmdk'),
        **{'web-2.vmdk': compressed},
    )
    found = inspect_image(
        disk_files.Counting(content), Declared('vmdk', 'ova'), 'web-1.vmdk'
    )
    assert imported(content, counts=False) == (compressed, None)
    why = acceptance.by_vsphere(found).why
    assert "takes only 'web-2.vmdk', and does not decompress it" in why
    assert 'imports only one disk' not in why


def test_the_driver_would_take_a_chunk_of_the_first(disk):
    first, second = 'web-2.vmdk.000000000', 'web-2.vmdk.000000001'
    content = made(
        disk,
        TWO,
        ('web.ovf', 'web-1.vmdk', first, second),
        **{first: disk[:4096], second: disk[4096:8192]},
    )
    found = inspect_image(
        disk_files.Counting(content), Declared('vmdk', 'ova'), 'web-1.vmdk'
    )
    assert imported(content, counts=False) == (disk[:4096], None)
    why = acceptance.by_vsphere(found).why
    assert f'takes only {first!r}, which is not a whole disk' in why


def before_posix(archive):
    """Return a tar archive without ustar's signatures."""
    made = bytearray(archive)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        starts = [member.offset for member in tar]
    for start in starts:
        made[start + 257 : start + 512] = bytes(255)
        made[start + 148 : start + 156] = b' ' * 8
        checksum = sum(made[start : start + 512])
        made[start + 148 : start + 156] = b'%06o\0 ' % checksum
    return bytes(made)


def test_an_archive_of_before_posix(tmp_path, target, disk):
    archive = before_posix(made(disk))
    assert b'ustar' not in archive
    assert imported(archive, counts=False) == (disk, None)
    path = tmp_path / 'web.ova'
    path.write_bytes(archive)
    assert inspect(path).appliance.size == len(disk)
    assert ova.names(path) == ('web-1.vmdk',)
    prepared = prepare(path, target, Form(), watch=ignore)
    assert prepared.source.appliance.member == 'web-1.vmdk'
    content = disk_files.Counting(archive)
    found = inspect_image(content, Declared('vmdk', 'ova'))
    assert found.appliance.obstacle is None
    # Where nothing says that it is one, it is what nova takes it for.
    assert inspect_image(content, Declared('raw', 'bare')).format == 'raw'
    path = path.rename(tmp_path / 'web.raw')
    assert inspect(path).format == 'raw'


def test_of_two_files_with_one_id_the_first_counts(disk):
    content = made(disk, OVF.replace('<File ovf:href=', TWICE, 1))
    assert imported(content, counts=False)[0] == b''
    # It is not in the archive.
    with pytest.raises(DiskError, match=r"'web-9\.vmdk' is not in the arch"):
        inspect_content(disk_files.Counting(content))


@pytest.mark.parametrize(
    ('kind', 'named'),
    [
        ('monolithicSparse', 'monolithicSparse'),
        ('raw', 'raw'),
        ('qcow2', 'qcow2'),
    ],
)
def test_only_streamoptimized_disks(disks, kind, named):
    content = made(disks[kind].read_bytes())
    found = inspect_content(disk_files.Counting(content))
    # What the driver does not look at, ESXi does.
    assert imported(content, counts=False)[1] is None
    assert found.appliance.obstacle is None
    assert re.search(
        f'only with a streamOptimized disk, and this is {named}; extract',
        acceptance.by_vsphere(found).why,
    )


NAMES = ('web', 'web-1.vmdk', 'web-1.vmdk.sig', 'disks/web-1.vmdk')


def envelope(files, references):
    """Return an OVF.

    :param files: pairs of an id and a name
    :param references: ids of the disks' files; None for a blank disk
    """
    listed = ''.join(
        f'<File ovf:id="{identity}" ovf:href="{name}"/>'
        for identity, name in files
    )
    disks = ''.join(
        '<Disk/>' if it is None else f'<Disk ovf:fileRef="{it}"/>'
        for it in references
    )
    return (
        '<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" '
        'xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">'
        f'<References>{listed}</References>'
        f'<DiskSection>{disks}</DiskSection></Envelope>'
    )


@hypothesis.given(
    files=st.lists(
        st.tuples(st.sampled_from('ab'), st.sampled_from(NAMES)),
        min_size=1,
        max_size=3,
    ),
    references=st.lists(
        st.sampled_from(['a', 'b', '', None]), min_size=1, max_size=3
    ),
    order=st.permutations(['web.ovf', *NAMES]),
    number=st.integers(2, 5),
)
@hypothesis.settings(max_examples=200, deadline=None)
def test_whatever_the_order_and_the_names(files, references, order, number):
    # Another reference is refused.
    hypothesis.assume({None, '', *dict(files)}.issuperset(references))
    ovf = envelope(files, references)
    members = {name: name.encode() for name in order[:number]}
    content = packed({**members, 'web.ovf': ovf.encode()})
    sent, complaint = imported(content, counts=False)
    archive = ova.Archive(disk_files.Counting(content))
    for name in archive.disks:
        try:
            appliance = archive.locate(name).appliance
        except DiskError:
            # It is not in the archive.
            assert name not in members
            continue
        is_sent = (sent, complaint) == (name.encode(), None)
        assert is_sent is (appliance.obstacle is None), appliance.obstacle

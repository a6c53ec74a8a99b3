# SPDX-License-Identifier: Apache-2.0
"""Small disks in the formats that images have.

Glance compares what is uploaded with the ``disk_format`` that the image
claims, and nova looks once more before a server boots; so a file of zeros
will not do for all. These are real disks of 1 MiB with nothing on them, as
small as their formats allow: qemu-img opens the qcow2 and the VMDK one. A
server that boots from them becomes ACTIVE, since no hypervisor waits for an
operating system.
"""

import struct

# Bytes.
ISO_BLOCK = 2048
_SECTOR = 512
_CAPACITY = 1024**2


def raw() -> bytes:
    """Return a disk of zeros: whatever has no other format is raw."""
    return bytes(_CAPACITY)


def qcow2() -> bytes:
    """Return a qcow2 disk, version 3, on which no cluster is allocated.

    A cluster each for the header, the refcount table, its one block and the
    L1 table, whose entries are 0: nothing was ever written.
    """
    cluster_bits = 9
    cluster = 1 << cluster_bits
    header_length = 104
    # An L2 table is one cluster of 8-byte entries, one for each cluster.
    l1_entries = _CAPACITY // (cluster // 8 * cluster)
    refcount_table, refcount_block, l1_table = (
        cluster,
        2 * cluster,
        3 * cluster,
    )
    header = struct.pack(
        '>4sIQIIQIIQQIIQQQQII',
        b'QFI\xfb',
        3,
        0,  # no backing file,
        0,  # nor the length of its name
        cluster_bits,
        _CAPACITY,
        0,  # not encrypted
        l1_entries,
        l1_table,
        refcount_table,
        1,  # cluster of refcount table
        0,  # no snapshots,
        0,  # nor a table of them
        0,  # no incompatible,
        0,  # compatible,
        0,  # or autoclear features
        4,  # refcounts of 2**4 bits
        header_length,
    )
    clusters = (
        header,
        struct.pack('>Q', refcount_block),
        struct.pack('>4H', 1, 1, 1, 1),
        bytes(8 * l1_entries),
    )
    return b''.join(part.ljust(cluster, b'\0') for part in clusters)


def vmdk() -> bytes:
    """Return a VMDK disk of subformat streamOptimized without any grain.

    Of the subformats this is the one that everybody takes: Glance and nova
    let it pass, vCenter imports it with ``vmware_disktype=streamOptimized``,
    and qemu reads it. Its header knows where the grain directory is: Cinder
    takes no disk where only a footer does.
    """
    capacity = _CAPACITY // _SECTOR
    # A header of one sector and the descriptor come before the stream.
    descriptor = _vmdk_descriptor(capacity)
    overhead = 1 + len(descriptor) // _SECTOR
    # A marker of one sector announces the directory.
    directory = overhead + 1
    header = struct.pack(
        '<4sIIQQQQIQQQ?4sH',
        b'KDMV',
        3,
        0x30001,  # grains are compressed and have markers
        capacity,
        128,  # sectors in a grain
        1,  # sector of the descriptor
        len(descriptor) // _SECTOR,
        512,  # entries in a grain table
        0,  # no second directory
        directory,
        overhead,
        False,  # was shut down cleanly
        b'\n \r\n',  # broken if sent as text
        1,  # deflate
    )
    return b''.join(
        (
            header.ljust(_SECTOR, b'\0'),
            descriptor,
            _vmdk_marker(2, sectors=1),
            # One entry, 0: there is no grain table.
            bytes(_SECTOR),
            _vmdk_marker(0, sectors=0),
        )
    )


def _vmdk_descriptor(capacity: int) -> bytes:
    text = f"""# Disk DescriptorFile
version=1
CID=7c9e1f3a
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RW {capacity} SPARSE "empty.vmdk"

# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "{capacity // (64 * 32)}"
ddb.geometry.heads = "64"
ddb.geometry.sectors = "32"
ddb.adapterType = "lsilogic"
"""
    sectors = -(-len(text) // _SECTOR)
    return text.encode('ascii').ljust(sectors * _SECTOR, b'\0')


def _vmdk_marker(kind: int, sectors: int) -> bytes:
    """Return a marker: 0 ends the stream, 2 is for a directory."""
    return struct.pack('<QII', sectors, 0, kind).ljust(_SECTOR, b'\0')


def iso() -> bytes:
    """Return an ISO 9660 volume: its descriptor, and no files.

    Enough for whoever asks what it is; nobody mounts it.
    """
    terminator = b'\xffCD001\x01'.ljust(ISO_BLOCK, b'\0')
    # The first 16 blocks belong to whoever boots from it.
    return bytes(16 * ISO_BLOCK) + iso_descriptor(b'EMPTY', 18) + terminator


def iso_descriptor(name: bytes, blocks: int) -> bytes:
    """Return the block that says of an ISO 9660 volume what it is.

    :param name: of the system it is for, and of the volume
    :param blocks: size of the volume, in blocks of ``ISO_BLOCK`` bytes
    """
    block = bytearray(ISO_BLOCK)
    block[:7] = b'\x01CD001\x01'
    block[8:72] = name.ljust(64)
    # Numbers stand there twice, for either order of bytes.
    block[80:88] = struct.pack('<I', blocks) + struct.pack('>I', blocks)
    block[120:124] = struct.pack('<H', 1) + struct.pack('>H', 1)
    block[124:128] = struct.pack('<H', 1) + struct.pack('>H', 1)
    block[128:132] = struct.pack('<H', ISO_BLOCK) + struct.pack(
        '>H', ISO_BLOCK
    )
    return bytes(block)


IN_FORMAT = {'iso': iso, 'qcow2': qcow2, 'raw': raw, 'vmdk': vmdk}

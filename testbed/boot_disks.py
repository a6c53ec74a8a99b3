# SPDX-License-Identifier: Apache-2.0
"""Disks that a BIOS boots, which say so on the first serial port.

Each is 1 MiB with nothing but a boot sector, whose program writes a line and
halts::

    hypervisor-affinity booted qcow2 from drive 80

with the label that the disk was made with, and the BIOS' number of the drive:
80 for a hard disk, whatever its bus; a CD-ROM has one from E0 on.
"""

import pathlib
import struct
import subprocess
import tempfile

from hypervisor_affinity_tempest_plugin import disks

QEMU_IMG = 'qemu-img'

HARD_DISK = '80'
CD_ROM = 'E0'

_SECTOR = 512
_SECTORS = 2048
# Where a BIOS loads a boot sector.
_LOADED_AT = 0x7C00
_DIGITS = b'??'

# {disk format: (format of qemu-img, its further options)}; None for none
_CONVERTED = {
    'qcow2': ('qcow2', None),
    'vmdk': ('vmdk', 'subformat=streamOptimized'),
    'vdi': ('vdi', None),
    'vhd': ('vpc', None),
    'vhdx': ('vhdx', 'block_size=1M'),
    'ploop': ('parallels', None),
}


def line(label: str, drive: str = HARD_DISK) -> str:
    """Return what a guest writes when it has booted.

    :param drive: two hexadecimal digits
    """
    return f'hypervisor-affinity booted {label} from drive {drive}'


def disk(
    disk_format: str, label: str | None = None, subformat: str | None = None
) -> bytes:
    """Return a disk in a format of nova's images.

    What is kept as it is, such as ``ami``, is raw.

    :param label: None for the name of the format
    :param subformat: of a VMDK, as qemu-img names it; None for
        streamOptimized
    :raises OSError: qemu-img is not there
    :raises subprocess.CalledProcessError: it failed
    """
    label = label or disk_format
    if disk_format == 'iso':
        return _iso(label)
    content = _boot_sector(label).ljust(_SECTOR * _SECTORS, b'\0')
    if disk_format not in _CONVERTED:
        return content
    name, options = _CONVERTED[disk_format]
    if subformat:
        options = f'subformat={subformat}'
    return _convert(content, name, options)


def _convert(content: bytes, name: str, options: str | None) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / 'raw'
        target = pathlib.Path(folder) / 'converted'
        source.write_bytes(content)
        subprocess.run(
            [
                *(QEMU_IMG, 'convert', '-f', 'raw', '-O', name),
                *(('-o', options) if options else ()),
                *(source, target),
            ],
            check=True,
            capture_output=True,
        )
        return target.read_bytes()


def _boot_sector(label: str) -> bytes:
    text = line(label, _DIGITS.decode()).encode() + b'\r\n\0'
    program = _program(text)
    # nova takes a boot sector without a partition for a broken GPT: one that
    # has the whole disk, active, of type Linux.
    partition = struct.pack('<B3xB3xII', 0x80, 0x83, 1, _SECTORS - 1)
    if len(program) > 440:
        raise ValueError(f'too long for a boot sector: {label}')
    return program.ljust(446, b'\0') + partition.ljust(64, b'\0') + b'\x55\xaa'


def _program(text: bytes) -> bytes:
    """Return 16-bit code that writes a text, and the text."""
    at = _LOADED_AT + len(_code(0, 0))
    return _code(at, at + text.index(_DIGITS)) + text


def _code(text_at: int, digits_at: int) -> bytes:
    """Return the code alone.

    :param text_at: address of the text, which ends with a zero
    :param digits_at: address of the two digits in it
    """
    to_digit = '3C0A 1C69 2F'  # cmp al,10; sbb al,69h; das
    written = [
        struct.pack('<H', address).hex()
        for address in (digits_at, digits_at + 1, text_at)
    ]
    return bytes.fromhex(
        ''.join(
            (
                'FA 31C0 8ED8 FC',  # cli; ds = 0; cld
                f'88D0 C0E804 {to_digit}',  # upper half of dl
                f'A2 {written[0]}',  # mov [digits],al
                f'88D0 240F {to_digit}',  # lower half of dl
                f'A2 {written[1]}',  # mov [digits + 1],al
                f'BE {written[2]}',  # mov si,text
                'AC 84C0 7412',  # next: lodsb; zero: to halt
                '88C4 BAFD03',  # keep it; dx = status of COM1
                'EC A820 74FB',  # until COM1 takes a byte
                'BAF803 88E0 EE',  # write it
                'EBE9',  # to next
                'F4 EBFD',  # halt: hlt; to halt
            )
        )
    )


def _iso(label: str) -> bytes:
    """Return an ISO 9660 file system without a file, by El Torito."""
    names = (16, 17, 18, 19, 20)
    primary_at, boot_at, terminator_at, catalog_at, program_at = names
    blocks = program_at + 1

    boot = bytearray(b'\0CD001\x01EL TORITO SPECIFICATION'.ljust(71, b'\0'))
    boot += struct.pack('<I', catalog_at)

    validation = bytearray(b'\x01\0\0\0'.ljust(30, b'\0') + b'\x55\xaa')
    words = struct.unpack('<16H', validation)
    validation[28:30] = struct.pack('<H', -sum(words) & 0xFFFF)
    # Bootable, without emulation, one sector of 512 bytes.
    entry = struct.pack('<BBHBBHI', 0x88, 0, 0, 0, 0, 1, program_at)

    image = bytearray(blocks * disks.ISO_BLOCK)
    for block, content in (
        (primary_at, disks.iso_descriptor(b'BOOTS', blocks)),
        (boot_at, boot),
        (terminator_at, b'\xffCD001\x01'),
        (catalog_at, validation + entry),
        (program_at, _boot_sector(label)),
    ):
        start = block * disks.ISO_BLOCK
        image[start : start + len(content)] = content
    return bytes(image)

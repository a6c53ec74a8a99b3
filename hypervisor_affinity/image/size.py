# SPDX-License-Identifier: Apache-2.0
"""Sizes in words."""

from rich import filesize

# As nova counts memory and disks, and qemu-img shows sizes.
_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']


def shown(size: int) -> str:
    """Return a number of bytes with a unit: ``1.4 GiB``."""
    unit, suffix = filesize.pick_unit_and_suffix(size, _UNITS, 1024)
    number = f'{size / unit:.1f}'.removesuffix('.0')
    return f'{number} {suffix}'

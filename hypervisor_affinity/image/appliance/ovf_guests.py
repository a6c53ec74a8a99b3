# SPDX-License-Identifier: Apache-2.0
"""vSphere's guest ids for what an OVF calls a system."""

import re

from hypervisor_affinity.image import guests

# CIM_OperatingSystem.OSType of DMTF's CIM Schema, as far as it tells the bits
# -> os_distro, os_version if the number tells it, and bits. LINUX itself, 36,
# is older than its fellow of 64 bits and stands for both; so does Windows 7,
# 105.
_BY_CIM: dict[int, tuple[str, str | None, int]] = {
    73: ('windows', 'vista', 32),
    74: ('windows', 'vista', 64),
    76: ('windows', '2008', 32),
    77: ('windows', '2008', 64),
    78: ('freebsd', None, 64),
    79: ('rhel', None, 32),
    80: ('rhel', None, 64),
    84: ('sles', None, 32),
    85: ('sles', None, 64),
    89: ('mandriva', None, 32),
    90: ('mandriva', None, 64),
    93: ('ubuntu', None, 32),
    94: ('ubuntu', None, 64),
    95: ('debian', None, 32),
    96: ('debian', None, 64),
    103: ('windows', '2008r2', 64),
    106: ('centos', None, 32),
    107: ('centos', None, 64),
    108: ('oraclelinux', None, 32),
    109: ('oraclelinux', None, 64),
    112: ('windows', '2012', 64),
    113: ('windows', '8', 32),
    114: ('windows', '8', 64),
    115: ('windows', '2012r2', 64),
    116: ('windows', '2016', 64),
    117: ('windows', '8.1', 32),
    118: ('windows', '8.1', 64),
    119: ('windows', '10', 32),
    120: ('windows', '10', 64),
}

# The same for what is no distribution.
_OTHERS_BY_CIM = {
    82: 'suseGuest',
    83: 'suse64Guest',
    86: 'oesGuest',
    88: 'sjdsGuest',
    91: 'turboLinuxGuest',
    92: 'turboLinux64Guest',
    97: 'other24xLinuxGuest',
    98: 'other24xLinux64Guest',
    99: 'other26xLinuxGuest',
    100: 'other26xLinux64Guest',
    101: 'otherLinux64Guest',
    102: 'otherGuest64',
    110: 'eComStationGuest',
}

# Ubuntu22_LTS_64 and Debian of VirtualBox: a name, a version, an edition, and
# 64 bits of x86. What is for another processor has another end.
_VIRTUALBOX = re.compile(r'([A-Za-z]+)(\d*)(?:_[A-Za-z]+)?(_64)?')

# VirtualBox' name -> os_distro.
_DISTROS = {
    'ArchLinux': 'arch',
    'Debian': 'debian',
    'Fedora': 'fedora',
    'FreeBSD': 'freebsd',
    'Gentoo': 'gentoo',
    'Mandriva': 'mandriva',
    'NetBSD': 'netbsd',
    'OpenBSD': 'openbsd',
    'OpenSUSE': 'opensuse',
    'Oracle': 'oraclelinux',
    'RedHat': 'rhel',
    'Ubuntu': 'ubuntu',
    'Windows': 'windows',
    'WindowsVista': 'windows',
}
_VERSIONS = {'WindowsVista': 'vista', 'Windows81': '8.1'}

# The same for what is no distribution -> for 32 bits, and for 64.
_OTHERS = {
    'Linux': ('otherLinuxGuest', 'otherLinux64Guest'),
    'Linux24': ('other24xLinuxGuest', 'other24xLinux64Guest'),
    'Linux26': ('other26xLinuxGuest', 'other26xLinux64Guest'),
    'Other': ('otherGuest', 'otherGuest64'),
    'Turbolinux': ('turboLinuxGuest', 'turboLinux64Guest'),
}


def by_cim(number: str, version: str | None) -> str | None:
    """Return the guest id for ``ovf:id`` and ``ovf:version`` of a system.

    :returns: None if the number tells too little
    """
    if not re.fullmatch('[0-9]{1,3}', number):
        return None
    if other := _OTHERS_BY_CIM.get(int(number)):
        return other
    if int(number) not in _BY_CIM:
        return None
    distro, known, bits = _BY_CIM[int(number)]
    return guests.guest_id(distro, known or version, bits=bits)


def by_virtualbox(name: str) -> str | None:
    """Return the guest id for a ``vbox:OSType``; None if it has none."""
    found = _VIRTUALBOX.fullmatch(name)
    if not found:
        return None
    stem, version, is_64 = found[1], found[2], bool(found[3])
    if pair := _OTHERS.get(stem + version):
        return pair[is_64]
    if stem not in _DISTROS:
        return None
    return guests.guest_id(
        _DISTROS[stem],
        _VERSIONS.get(stem + version, version),
        bits=64 if is_64 else 32,
    )


def is_for_arm(name: str) -> bool:
    """Tell whether a ``vbox:OSType`` is of another processor than x86."""
    return '_arm' in name.lower()

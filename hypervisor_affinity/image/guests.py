# SPDX-License-Identifier: Apache-2.0
"""vSphere's guest ids, and which of them fits a system.

An image says it as ``vmware_ostype``; nova hands it to vSphere as it is, and
vSphere refuses to create a VM with one that it does not know.
"""

import re

# VirtualMachineGuestOsIdentifier of the vSphere API 9.1. An older vSphere
# knows fewer.
GUEST_IDS = frozenset(
    """
    almalinux_64Guest amazonlinux2_64Guest amazonlinux3_64Guest
    asianux3_64Guest asianux3Guest asianux4_64Guest asianux4Guest
    asianux5_64Guest asianux7_64Guest asianux8_64Guest asianux9_64Guest
    centos64Guest centos6_64Guest centos6Guest centos7_64Guest centos7Guest
    centos8_64Guest centos9_64Guest centosGuest coreos64Guest crxPod1Guest
    crxSys1Guest darwin10_64Guest darwin10Guest darwin11_64Guest
    darwin11Guest darwin12_64Guest darwin13_64Guest darwin14_64Guest
    darwin15_64Guest darwin16_64Guest darwin17_64Guest darwin18_64Guest
    darwin19_64Guest darwin20_64Guest darwin21_64Guest darwin22_64Guest
    darwin23_64Guest darwin64Guest darwinGuest debian10_64Guest
    debian10Guest debian11_64Guest debian11Guest debian12_64Guest
    debian12Guest debian13_64Guest debian13Guest debian4_64Guest
    debian4Guest debian5_64Guest debian5Guest debian6_64Guest debian6Guest
    debian7_64Guest debian7Guest debian8_64Guest debian8Guest
    debian9_64Guest debian9Guest dosGuest eComStation2Guest
    eComStationGuest fedora64Guest fedoraGuest flatcar_64Guest
    freebsd11_64Guest freebsd11Guest freebsd12_64Guest freebsd12Guest
    freebsd13_64Guest freebsd13Guest freebsd14_64Guest freebsd14Guest
    freebsd15_64Guest freebsd15Guest freebsd64Guest freebsdGuest
    fusionos_64Guest genericLinuxGuest kylinlinux_64Guest mandrakeGuest
    mandriva64Guest mandrivaGuest miraclelinux_64Guest netware4Guest
    netware5Guest netware6Guest nld9Guest oesGuest openServer5Guest
    openServer6Guest opensuse64Guest opensuseGuest oracleLinux10_64Guest
    oracleLinux64Guest oracleLinux6_64Guest oracleLinux6Guest
    oracleLinux7_64Guest oracleLinux7Guest oracleLinux8_64Guest
    oracleLinux9_64Guest oracleLinuxGuest os2Guest other24xLinux64Guest
    other24xLinuxGuest other26xLinux64Guest other26xLinuxGuest
    other3xLinux64Guest other3xLinuxGuest other4xLinux64Guest
    other4xLinuxGuest other5xLinux64Guest other5xLinuxGuest
    other6xLinux64Guest other6xLinuxGuest other7xLinux64Guest
    other7xLinuxGuest otherGuest otherGuest64 otherLinux64Guest
    otherLinuxGuest pardus_64Guest prolinux_64Guest redhatGuest
    rhel10_64Guest rhel2Guest rhel3_64Guest rhel3Guest rhel4_64Guest
    rhel4Guest rhel5_64Guest rhel5Guest rhel6_64Guest rhel6Guest
    rhel7_64Guest rhel7Guest rhel8_64Guest rhel9_64Guest rockylinux_64Guest
    sjdsGuest sles10_64Guest sles10Guest sles11_64Guest sles11Guest
    sles12_64Guest sles12Guest sles15_64Guest sles16_64Guest sles64Guest
    slesGuest solaris10_64Guest solaris10Guest solaris11_64Guest
    solaris6Guest solaris7Guest solaris8Guest solaris9Guest suse64Guest
    suseGuest turboLinux64Guest turboLinuxGuest ubuntu64Guest ubuntuGuest
    unixWare7Guest vmkernel5Guest vmkernel65Guest vmkernel6Guest
    vmkernel7Guest vmkernel8Guest vmkernel9Guest vmkernelGuest
    vmwarePhoton64Guest win2000AdvServGuest win2000ProGuest
    win2000ServGuest win31Guest win95Guest win98Guest windows11_64Guest
    windows12_64Guest windows2019srv_64Guest windows2019srvNext_64Guest
    windows2022srvNext_64Guest windows7_64Guest windows7Guest
    windows7Server64Guest windows8_64Guest windows8Guest
    windows8Server64Guest windows9_64Guest windows9Guest
    windows9Server64Guest windowsHyperVGuest winLonghorn64Guest
    winLonghornGuest winMeGuest winNetBusinessGuest winNetDatacenter64Guest
    winNetDatacenterGuest winNetEnterprise64Guest winNetEnterpriseGuest
    winNetStandard64Guest winNetStandardGuest winNetWebGuest winNTGuest
    winVista64Guest winVistaGuest winXPHomeGuest winXPPro64Guest
    winXPProGuest
    """.split()
)

_BY_LOWER_CASE = {known.lower(): known for known in GUEST_IDS}

# os_distro -> how its guest ids begin; the major version follows.
_BY_VERSION = {
    'centos': 'centos',
    'debian': 'debian',
    'freebsd': 'freebsd',
    'oraclelinux': 'oracleLinux',
    'rhel': 'rhel',
    'sled': 'sles',
    'sles': 'sles',
}

# Guest ids for 64 and 32 bits.
_Pair = tuple[str, str]
_OTHER_LINUX = ('otherLinux64Guest', 'otherLinuxGuest')
_OTHER = ('otherGuest64', 'otherGuest')

# os_distro -> the guest ids for whatever version has none of its own. Those
# without a version that begin as others with one, such as centos64Guest, mean
# the oldest versions.
_ANY_VERSION: dict[str, _Pair] = {
    'almalinux': ('almalinux_64Guest', 'otherLinuxGuest'),
    'arch': _OTHER_LINUX,
    'centos': _OTHER_LINUX,
    'debian': _OTHER_LINUX,
    'fedora': ('fedora64Guest', 'fedoraGuest'),
    'freebsd': ('freebsd64Guest', 'freebsdGuest'),
    'gentoo': _OTHER_LINUX,
    'mandriva': ('mandriva64Guest', 'mandrivaGuest'),
    'netbsd': _OTHER,
    'openbsd': _OTHER,
    'opensuse': ('opensuse64Guest', 'opensuseGuest'),
    'oraclelinux': _OTHER_LINUX,
    'rhel': _OTHER_LINUX,
    'rocky': ('rockylinux_64Guest', 'otherLinuxGuest'),
    'sled': _OTHER_LINUX,
    'sles': _OTHER_LINUX,
    'ubuntu': ('ubuntu64Guest', 'ubuntuGuest'),
    'windows': _OTHER,
}

# Microsoft's version -> vSphere's name of it, before the bits.
_WINDOWS = {
    'vista': 'winVista',
    '7': 'windows7',
    '8': 'windows8',
    '8.1': 'windows8',
    '10': 'windows9',
    '11': 'windows11',
    '2008': 'winLonghorn',
    '2008r2': 'windows7Server',
    '2012': 'windows8Server',
    '2012r2': 'windows8Server',
    '2016': 'windows9Server',
    '2019': 'windows2019srv',
    '2022': 'windows2019srvNext',
    '2025': 'windows2022srvNext',
}


def guest_id(
    distro: str, version: str | None = None, *, bits: int = 64
) -> str | None:
    """Return the guest id for a system.

    One for exactly this version, or one for any: that of the distribution, or
    else that of any Linux or other system, with which it boots as well, with
    fewer of vSphere's own devices. A version is never taken for a neighbour.

    :param distro: as in ``os_distro``, ``ubuntu``
    :param version: as in ``os_version``, ``22.04`` or ``2012 R2``; None if it
        is not known
    :param bits: 64 or 32
    :returns: None if the distribution is not known
    """
    distro = distro.strip().lower()
    if distro not in _ANY_VERSION:
        return None
    stem = _stem(distro, version or '')
    if stem:
        forms = (
            (f'{stem}_64Guest', f'{stem}64Guest')
            if bits == 64
            else (f'{stem}Guest',)
        )
        for form in forms:
            if form in GUEST_IDS:
                return form
    return _ANY_VERSION[distro][bits == 32]


def spelled(written: str) -> str | None:
    """Return a guest id in the right case; None if it is none that is known.

    vSphere compares case-sensitively.
    """
    return _BY_LOWER_CASE.get(written.strip().lower())


def _stem(distro: str, version: str) -> str | None:
    version = version.lower()
    if distro == 'windows':
        return _WINDOWS.get(re.sub(r'windows|server|\s', '', version))
    # No version has more digits, and Python reads no number of thousands.
    major = re.match(r'0*(\d{1,9})(?!\d)', version.strip())
    if distro not in _BY_VERSION or not major:
        return None
    return f'{_BY_VERSION[distro]}{int(major[1])}'

# SPDX-License-Identifier: Apache-2.0
"""README.rst says what the core's tables say.

It is read where no directive of Sphinx is known, so that its tables are
written by hand.
"""

import pathlib
import re

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import explanation
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.policy import VmdkImages
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.verdict import judge

ROOT = pathlib.Path(__file__).parents[3]
README = (ROOT / 'README.rst').read_text(encoding='utf-8')
REASONS = (ROOT / 'doc/source/reasons.rst').read_text(encoding='utf-8')

# Glance's formats, by its own defaults; and one that is nova's alone.
FORMATS = {
    'disk_format': (
        *('aki', 'ami', 'ari', 'iso', 'ploop', 'qcow2', 'raw'),
        *('vdi', 'vhd', 'vhdx', 'vmdk', 'vstorageobject'),
    ),
    'container_format': ('aki', 'ami', 'ari', 'bare', 'ova', 'ovf'),
}
# Of properties that are free strings: some that mean something, some in the
# wrong case, some that mean nothing.
SAMPLES = {
    'hw_disk_type': (
        *drivers.vmware.DISK_TYPES,
        *('streamoptimized', 'nvme', ''),
    ),
    'os_distro': ('otherGuest', 'otherguest', 'ubuntu', ''),
    'img_linked_clone': ('true',),
    'img_version': ('1',),
}
ALL = {**image_meta.CHOICES, **FORMATS, **SAMPLES}
VALUES = {name: ALL[name] for name in drivers.PROPERTIES}


def words(text):
    """Return a text on one line."""
    return ' '.join(text.split())


def table(head):
    """Return the rows of the table whose first line has this in it.

    A row begins where its first column is not empty.
    """
    lines = README.splitlines()
    (start,) = (n for n, line in enumerate(lines) if head in line)
    border = lines[start - 1]
    columns = [match.span() for match in re.finditer('=+', border)]
    columns[-1] = (columns[-1][0], None)
    rows = []
    for line in lines[start + 2 :]:
        if line == border:
            return [[words(cell) for cell in row] for row in rows]
        cells = [line[begin:end] for begin, end in columns]
        if cells[0].strip():
            rows.append(cells)
        else:
            rows[-1] = [
                f'{a}\n{b}' for a, b in zip(rows[-1], cells, strict=True)
            ]
    raise AssertionError(f'no end of {head}')


def literals(text):
    return re.findall('``(.+?)``', text)


def novas(name):
    return properties.NOVA_NAMES.get(name, name)


def suggesting(image, policy=None):
    """Return what of an image suggests VMware, by nova's names."""
    found = properties.normalize(image)
    return {
        (sign.name, found[sign.name] if sign.name not in SAMPLES else '')
        for sign in classify(image, {}, policy or Policy()).signs
        if sign.requires == {hypervisor.VMWARE}
    }


def test_what_suggests_vmware():
    rows = [row for row in table('sign  ') if 'image: ' in row[1]]
    shown = set()
    for _, sign, meaning in rows:
        assert meaning.startswith('needs VMware')
        for literal in literals(sign):
            name, _, value = literal.partition('=')
            values = [value] if value else VALUES[novas(name)]
            (found,) = set().union(
                *(suggesting({name: each}) for each in values)
            )
            shown.add(found)
    assert shown == {
        suggestion
        for name, values in VALUES.items()
        for value in values
        for suggestion in suggesting({name: value})
    }


def test_the_option_that_lets_a_vmdk_go_anywhere():
    (row,) = [row for row in table('sign  ') if 'disk_format=vmdk' in row[1]]
    assert '(option ``vmdk_images``)' in row[2]
    policy = Policy(vmdk_images=VmdkImages.FLEXIBLE)
    assert not suggesting({'disk_format': 'vmdk'}, policy)


def test_spellings():
    (sentence,) = re.findall(
        '``vmware`` may be spelled .*? only[.]', words(README)
    )
    families = {'vmware', 'kvm'}
    assert set(literals(sentence)) == {
        spelling
        for spelling, family in hypervisor.FAMILY_OF.items()
        if family in families and ' ' not in spelling
    }


def example():
    """Return what is said of the request that both pages show."""
    policy = Policy()
    demand = classify({'vmware_ostype': 'ubuntu64Guest'}, {}, policy)
    windows = {'hypervisor_type': 'vmware', 'vmware_ostype': 'win*'}
    offers = (
        read_offer([], DriverReport('QEMU'), policy),
        read_offer(
            [AggregateTags('windows', windows)],
            DriverReport('VMware vCenter Server'),
            policy,
        ),
    )
    verdicts = {
        verdict.reason: verdict
        for verdict in (judge(demand, offer, policy) for offer in offers)
    }
    counts = {Reason.OTHER_HYPERVISOR: 9, Reason.PROPERTY_NOT_ACCEPTED: 3}
    return (
        explanation.operator_text(demand, counts, verdicts),
        explanation.user_text(demand, verdicts),
    )


def test_the_log_line():
    line = f'No host for server 6f1c…: {example()[0]}'
    assert line in words(README)
    assert line in words(REASONS)


def test_the_fault():
    assert f'No valid host was found. {example()[1]}' in words(README)

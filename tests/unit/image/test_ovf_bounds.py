# SPDX-License-Identifier: Apache-2.0
"""No OVF, of however little text, takes much memory."""

import pytest
from lxml import etree

from hypervisor_affinity.image.appliance.ova import MAX_TEXT
from hypervisor_affinity.image.appliance.ovf import Envelope
from hypervisor_affinity.image.disk import UnsafeDisk
from tests.fuzz import limits
from tests.fuzz import readers
from tests.unit.image.ovas import OVF

START = '<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1">'
END = '</Envelope>'
_ROOM = MAX_TEXT - len(START) - len(END)

# Of an attribute and of an element as VMware writes them.
CONFIG = (
    '<vmw:Config ovf:required="false" vmw:key="cpuHotAddEnabled" '
    'vmw:value="false"/>'
)
PART = '<rasd:Parent>4</rasd:Parent>'

# Of the longest that there can be, on a slow machine.
SECONDS = 10

LONG = 'u' * 20000
NUMBERS = range(100000, 110000)
BOUNDED = 'more or longer names than an OVF can have'
DEEP = 'has elements 257 deep; at most 256 are read'


def envelope(inside):
    return f'{START}{inside}{END}'


def as_many(*parts):
    """Return an OVF as long as one may be.

    :param parts: how many times the first, so many times each other one
    """
    times = _ROOM // sum(map(len, parts))
    return envelope(''.join(part * times for part in parts))


def nested(depth):
    # The envelope is one, too.
    return envelope('<a>' * (depth - 1) + '</a>' * (depth - 1))


# What is in an OVF, and the refusal.
HOSTILE = {
    'elements in elements': (as_many('<a>', '</a>'), DEEP),
    'elements': (as_many('<a/>'), BOUNDED),
    'attributes': (as_many('<a b=""/>'), BOUNDED),
    'names with a long namespace': (
        envelope(
            f'<x xmlns="{LONG}">'
            + ''.join(f'<a{number}/>' for number in NUMBERS)
            + '</x>'
        ),
        BOUNDED,
    ),
    'attributes with a long namespace': (
        envelope(
            f'<x xmlns:p="{LONG}" '
            + ' '.join(f'p:a{number}=""' for number in NUMBERS)
            + '/>'
        ),
        BOUNDED,
    ),
    'a namespace of long characters': (
        envelope(
            f'<x xmlns="{LONG}\N{LARGE ORANGE CIRCLE}">'
            + ''.join(f'<a{number}/>' for number in NUMBERS)
            + '</x>'
        ),
        BOUNDED,
    ),
}


@pytest.mark.parametrize(
    ('ovf', 'words'), HOSTILE.values(), ids=HOSTILE.keys()
)
def test_too_much(ovf, words):
    assert len(ovf) <= MAX_TEXT
    with limits.kept(seconds=SECONDS), pytest.raises(UnsafeDisk, match=words):
        Envelope('web.ovf', ovf.encode())


# What comes next to the bounds.
LARGEST = {
    'hardware': f'<VirtualSystem>{"<Item/>" * 100000}</VirtualSystem>',
    'hardware with parts': (
        f'<VirtualSystem>{"<Item><a/></Item>" * 50000}</VirtualSystem>'
    ),
    'parts': (
        '<VirtualSystem><Item>'
        + ''.join(f'<a{number}/>' for number in range(80000))
        + '</Item></VirtualSystem>'
    ),
    'machines': '<VirtualSystem/>' * 60000,
    'disks': f'<DiskSection>{"<Disk/>" * 100000}</DiskSection>',
    'text': 'x&lt;\N{LARGE ORANGE CIRCLE}\n' * (MAX_TEXT // 12),
}


@pytest.mark.parametrize('inside', LARGEST.values(), ids=LARGEST.keys())
def test_much(inside):
    ovf = envelope(inside).encode()
    assert len(ovf) <= MAX_TEXT
    with limits.kept(seconds=SECONDS):
        readers.READERS['ovf'](ovf)


def test_as_deep_as_for_nova():
    """nova's vSphere driver reads by lxml."""
    deepest = nested(256).encode()
    etree.fromstring(deepest)
    Envelope('web.ovf', deepest)
    deeper = nested(257).encode()
    with pytest.raises(etree.XMLSyntaxError, match='depth'):
        etree.fromstring(deeper)
    with pytest.raises(UnsafeDisk, match=DEEP):
        Envelope('web.ovf', deeper)


@pytest.mark.parametrize('part', [CONFIG, PART])
def test_as_dense_as_honest_ones(part):
    end = '</VirtualSystem></Envelope>'
    head, _, _ = OVF.partition('<VirtualSystem')
    times = (MAX_TEXT - len(head) - 100) // len(part)
    text = f'{head}<VirtualSystem>{part * times}{end}'
    assert Envelope('web.ovf', text.encode()).namespace

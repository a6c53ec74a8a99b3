# SPDX-License-Identifier: Apache-2.0
import pytest

from hypervisor_affinity.core import hypervisor

# Each spelling once: one that is taken out of the table, or put in, is missed.
SPELLINGS = {
    'kvm': ['kvm', 'qemu'],
    'vmware': [
        *('vmware', 'esx', 'esxi', 'vcenter', 'vsphere'),
        *('vmware vcenter server', 'vmware esxi'),
    ],
    'baremetal': ['baremetal', 'ironic'],
    'xen': ['xen', 'xapi'],
}
ALONE = [
    *('bhyve', 'docker', 'fake', 'hyperv', 'kqemu', 'lxc', 'lxd', 'openvz'),
    *('parallels', 'phyp', 'prsm', 'test', 'uml', 'vbox', 'vz', 'zvm'),
]


def test_every_spelling():
    assert {
        **{one: one for one in ALONE},
        **{one: name for name, all_ in SPELLINGS.items() for one in all_},
    } == hypervisor.FAMILY_OF


@pytest.mark.parametrize(
    ('spelling', 'family'),
    [
        ('QEMU', 'kvm'),
        (' ESXi\t', 'vmware'),
        ('VMware vCenter Server', 'vmware'),
        ('VMware ESXi', 'vmware'),
        ('vmwrae', None),
        (' vSphere ', 'vmware'),
        ('powervm', None),
        ('', None),
        (None, None),
        (7, None),
    ],
)
def test_canonicalize(spelling, family):
    assert hypervisor.canonicalize(spelling) == family


def test_read_list_keeps_order_and_drops_repetitions():
    families, unreadable = hypervisor.read_list('ESXi, kvm,,qemu , foo,VMware')
    assert families == ('vmware', 'kvm')
    assert unreadable == ('foo',)


@pytest.mark.parametrize('value', [None, 7, ['kvm']])
def test_read_list_of_no_string(value):
    assert hypervisor.read_list(value) == ((), (repr(value),))


def test_title():
    assert hypervisor.title({'vmware', 'kvm', 'xen'}) == 'KVM or VMware or Xen'
    assert hypervisor.title(()) == 'nothing'
    real = sorted(hypervisor.FAMILIES - hypervisor.SAY_NOTHING)
    half = real[: len(real) // 2]
    assert not hypervisor.title(half).startswith('any')
    most = hypervisor.FAMILIES - {'baremetal', 'kvm'}
    assert hypervisor.title(most) == 'any hypervisor but KVM or bare metal'
    assert hypervisor.title(hypervisor.FAMILIES) == 'any'

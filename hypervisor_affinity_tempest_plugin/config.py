# SPDX-License-Identifier: Apache-2.0
"""Options of tempest.conf.

Tempest cannot read nova.conf, so what the tests must know of it is told here
once more, under the same names and with the same defaults. Only what a test
looks at is an option.
"""

from oslo_config import cfg
from oslo_config import types

KVM = 'kvm'
VMWARE = 'vmware'

PREFER = 'prefer'
STRICT = 'strict'

service_option = cfg.BoolOpt(
    'hypervisor_affinity',
    default=False,
    help="""
Whether nova-scheduler runs ``HypervisorAffinityFilter`` and
``HypervisorAffinityWeigher``. If not, all tests of this plug-in are skipped.
""",
)

group = cfg.OptGroup(
    'hypervisor_affinity',
    title='Placing servers by hypervisor',
    help="""
What the tests of hypervisor-affinity must know about the cloud. Options that
nova.conf also has must have the same values here.
""",
)

opts = [
    cfg.ListOpt(
        'preferred_hypervisors',
        item_type=types.String(choices=[KVM, VMWARE]),
        default=[KVM, VMWARE],
        help="""
The order in which flexible requests try hypervisors: as in nova.conf, without
hypervisors other than these two.
""",
    ),
    cfg.StrOpt(
        'flexible_placement',
        default=PREFER,
        choices=[
            (PREFER, 'The next hypervisor is used when the first is full'),
            (STRICT, 'The request fails when the first is full'),
        ],
        help="""
What happens to a flexible request when its first hypervisor is full: as in
nova.conf. It decides which tests of an overflow are run; the others are
skipped.
""",
    ),
    cfg.StrOpt(
        'vmdk_images',
        default=VMWARE,
        choices=[
            (VMWARE, 'It needs VMware'),
            ('flexible', 'It can run on any hypervisor'),
        ],
        help="""
What a VMDK image needs when nothing else in it names a hypervisor: as in
nova.conf. With ``flexible``, the test of such an image is skipped.
""",
    ),
    cfg.BoolOpt(
        'placement_prefilter',
        default=False,
        help="""
Whether Placement leaves out hosts that the filter would reject: as in
nova.conf. If it does, a request may fail without a reason: when Placement
leaves out all hosts that have room.
""",
    ),
    cfg.BoolOpt(
        'tell_user',
        default=True,
        help="""
Whether the fault of a server says which hypervisor it needs: as in nova.conf.
If not, the tests expect nova's own text.
""",
    ),
    cfg.BoolOpt(
        'extra_spec_validation',
        default=True,
        help="""
Whether hypervisor-affinity is also installed with nova-api, so that wrong
extra specs of flavors are refused. If not, those tests are skipped.
""",
    ),
    cfg.StrOpt(
        'kvm_image_ref',
        help="""
Id of an image to boot on KVM, for tests that only need a server there. By
default the tests upload an empty qcow2 disk. It must fit a flavor with 128 MiB
of RAM and a disk of 1 GiB, and must not be able to boot on VMware, such as a
qcow2 image without properties.
""",
    ),
    cfg.StrOpt(
        'vmware_image_ref',
        help="""
Id of an image to boot on VMware, for tests that only need a server there. By
default the tests upload an empty VMDK disk with the properties
``hypervisor_type=vmware`` and ``vmware_disktype=streamOptimized``. It must
fit a flavor with 128 MiB of RAM and a disk of 1 GiB, and must need VMware.
""",
    ),
]


def list_opts() -> list[tuple[cfg.OptGroup | str, list[cfg.Opt]]]:
    """Return the options for the page that describes them."""
    return [('service_available', [service_option]), (group, opts)]

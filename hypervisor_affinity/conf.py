# SPDX-License-Identifier: Apache-2.0
"""The ``[hypervisor_affinity]`` options of nova.conf.

Nothing is registered at import: callers pass the ``ConfigOpts`` they use,
which on a scheduler host is ``nova.conf.CONF``.
"""

import copy

from oslo_config import cfg

from hypervisor_affinity import option_values
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.policy import FlexiblePlacement
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.policy import UnclassifiedHosts
from hypervisor_affinity.core.policy import VmdkImages
from hypervisor_affinity.option_values import FiniteFloat
from hypervisor_affinity.option_values import HypervisorName

group = cfg.OptGroup(
    'hypervisor_affinity',
    title='Placing servers by hypervisor',
    help="""
How ``HypervisorAffinityFilter`` and ``HypervisorAffinityWeigher`` place
servers in a cloud with several kinds of hypervisor.

The filter must be in ``[filter_scheduler] enabled_filters`` and the weigher
in ``[filter_scheduler] weight_classes``. All options can be changed while
nova-scheduler runs: send it SIGHUP. If nova runs native threads, restart it
instead, since a SIGHUP then makes nova forget changes of host aggregates. With
a wrong value, nova-scheduler does not start; after a SIGHUP, it logs an ERROR,
and all the values in force stay.
""",
)

_opts = [
    cfg.StrOpt(
        'mode',
        default=Mode.ENFORCE.value,
        choices=[
            (
                Mode.ENFORCE.value,
                'Hosts that cannot run a request are withheld from it',
            ),
            (
                Mode.OBSERVE.value,
                'Every host passes, no host weighs more than another, and '
                'nova-scheduler logs what it would have done',
            ),
        ],
        mutable=True,
        help="""
Whether requests are placed by hypervisor, or only observed.

In a cloud that has servers already, begin with ``observe``. nova then places
servers as it does without this package, and nova-scheduler writes one line at
level INFO for each server that would have been refused, or would have gone to
another host.

The mode counts for hosts, so that a cloud can go over to ``enforce`` aggregate
by aggregate. Where hosts of both modes are candidates, those of ``enforce``
are withheld from what they cannot run, and give way by the order of
hypervisors. Placement (``placement_prefilter``) never leaves out a host that
is observed.

Related options:

* The aggregate metadata ``hypervisor_affinity_mode`` overrides this value for
  the hosts of an aggregate. Of a host in aggregates of both modes, ``enforce``
  counts.
* To see that a server would have gone to another host, the weigher must come
  last in ``[filter_scheduler] weight_classes``.
""",
    ),
    cfg.ListOpt(
        'preferred_hypervisors',
        item_type=HypervisorName(),
        default=[hypervisor.KVM, hypervisor.VMWARE],
        mutable=True,
        help="""
Hypervisors in the order in which flexible requests should try them.

A request is flexible when neither its image nor its flavor needs one
hypervisor. Hosts of the first hypervisor are weighed highest, then those of
the second, and so on; hosts of a hypervisor that is not listed come last.
The order never puts a server on a hypervisor that cannot boot its image.

Possible values:

* A comma-separated list of hypervisors in any spelling that nova or an image
  may use. ``kvm`` and ``qemu`` are the same hypervisor here, and so are
  ``vmware``, ``esxi`` and ``vcenter``.

Related options:

* ``[hypervisor_affinity] flexible_placement``
* ``[hypervisor_affinity] weight_multiplier``
* The flavor extra spec ``hypervisor_affinity:preferred`` takes precedence over
  this order.
""",
    ),
    cfg.StrOpt(
        'flexible_placement',
        default=FlexiblePlacement.PREFER.value,
        choices=[
            (
                FlexiblePlacement.PREFER.value,
                'Use the next hypervisor of the order when the first is full',
            ),
            (
                FlexiblePlacement.STRICT.value,
                'Use only the first hypervisor of the order that can boot '
                'the image; when it is full, the request fails',
            ),
        ],
        mutable=True,
        help="""
What happens to a flexible request when its first hypervisor is full.

``strict`` is for clouds where the other hypervisor is licensed and must never
take servers that could run elsewhere. It needs ``HypervisorAffinityFilter``
only; ``prefer`` needs ``HypervisorAffinityWeigher``.

Related options:

* ``[hypervisor_affinity] preferred_hypervisors``
* The aggregate metadata ``hypervisor_affinity_admit=required`` closes single
  aggregates to flexible requests, and ``hypervisor_affinity_reserve`` keeps a
  share of them free.
""",
    ),
    cfg.StrOpt(
        'unclassified_hosts',
        default=UnclassifiedHosts.REPORTED.value,
        choices=[
            (
                UnclassifiedHosts.REPORTED.value,
                'The hypervisor that its virt driver reports',
            ),
            (
                UnclassifiedHosts.NONE.value,
                'Nothing: no request is placed on it',
            ),
            (
                UnclassifiedHosts.ANY.value,
                'The hypervisor that its virt driver reports, or any '
                'hypervisor if the driver reports no known one',
            ),
        ],
        mutable=True,
        help="""
What a host offers if it is in no aggregate with ``hypervisor_type`` metadata.

With ``none``, a new compute host takes no server until it is added to a tagged
aggregate.
""",
    ),
    cfg.StrOpt(
        'vmdk_images',
        default=VmdkImages.VMWARE.value,
        choices=[
            (VmdkImages.VMWARE.value, 'It needs VMware'),
            (VmdkImages.FLEXIBLE.value, 'It can run on any hypervisor'),
        ],
        mutable=True,
        help="""
What a VMDK image needs when nothing else in it names a hypervisor.

The libvirt driver can boot the VMDK subformats monolithicSparse and
streamOptimized, if ``[compute] vmdk_allowed_types`` has them; the image does
not say which subformat it has. Choose ``flexible`` if all VMDK images of the
cloud are of these, or mark each image with ``hypervisor_type``.
""",
    ),
    cfg.BoolOpt(
        'placement_prefilter',
        default=False,
        mutable=True,
        help="""
Whether Placement leaves out hosts that the filter would not pass.

Placement returns at most ``[scheduler] max_placement_results`` candidates, in
no useful order. In a cloud of more hosts than that, the few of one hypervisor
may not be among them, and a request that needs them finds no host although
there is room. With this option, Placement leaves out for each request:

* the aggregates that hold no host on which the request can run, by their
  metadata: at most 100 of them, the largest first;
* for a request that needs VMware also every host whose virt driver reports
  the trait ``COMPUTE_NET_VIF_MODEL_VIRTIO``, as libvirt does on every KVM
  host, whether it is in a tagged aggregate or not.

A request that cannot run on any host fails before Placement is asked. The
filter still decides about the remaining hosts, and must be enabled.

Related options:

* ``[scheduler] max_placement_results``
""",
    ),
    cfg.Opt(
        'weight_multiplier',
        type=FiniteFloat(),
        default=100.0,
        mutable=True,
        help="""
Multiplier of the weight that ``HypervisorAffinityWeigher`` gives to a host.

A host of the first hypervisor in the order weighs 1, one of the second a
share less, down to 0 for hypervisors that are not in the order. The default
is above the sum of nova's other default multipliers, so that the order of
hypervisors decides and the other weighers choose among hosts of one
hypervisor; it is far below the multipliers of nova's BuildFailureWeigher and
CrossCellWeigher, which take precedence. A negative value reverses the order, 0
disables the weigher.

Possible values:

* A finite number.

Related options:

* ``[hypervisor_affinity] preferred_hypervisors``
* The aggregate metadata ``hypervisor_affinity_weight_multiplier`` overrides
  this value for the hosts of an aggregate; with several, the smallest counts.
* ``[filter_scheduler] hypervisor_version_weight_multiplier`` should be 0 in a
  cloud with several hypervisors: it compares versions that are not
  comparable.
""",
    ),
    cfg.BoolOpt(
        'tell_user',
        default=True,
        mutable=True,
        help="""
Whether a server's fault says which hypervisor was needed.

When the filter leaves no host for a single server, its owner reads, for
example, ``No valid host was found. The image needs VMware (disk_format=vmdk);
no VMware host is available``. The text never names a host or an aggregate.
Servers of one request for several only get nova's own text, since
by then some of them may already have a place; so do resizes and cold
migrations, where nova uses its own text instead. nova-scheduler logs the
reason at level INFO in any case; then nova's own INFO lines about filters that
left no host are missing for this request.
""",
    ),
    cfg.BoolOpt(
        'decision_notifications',
        default=False,
        mutable=True,
        help="""
Whether nova-scheduler sends a notification of each decision.

The notification ``hypervisor_affinity.decision`` says for one server what its
image and flavor ask, how many hosts were passed and rejected for which
reason, and under which options. ``hypervisor-affinity decisions`` writes what
it receives to a file. A request never waits for it: while the message broker
is away, at most 1,000 of them wait; further ones are left out.

Related options:

* ``[oslo_messaging_notifications] driver`` must be set, as to ``messagingv2``,
  and ``topics`` counts.
* ``[notifications] notification_format``: if it is ``versioned``, the
  notification goes to ``versioned_notifications_topics`` instead.
""",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options; registering them again does nothing."""
    # A copy: oslo.config's own shares with all others what it keeps of the
    # group's options, as overrides.
    conf.register_group(copy.deepcopy(group))
    conf.register_opts(_opts, group=group.name)


def list_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """Return the options for oslo.config's sample and page generators."""
    return [(group, _opts)]


def read_policy(conf: cfg.ConfigOpts) -> Policy:
    """Build a Policy from the options' present values.

    :raises ValueError: naming option, value and place, if one is wrong
    """
    values = {
        option.name: option_values.read(conf, option, group.name)
        for option in _opts
    }
    return Policy(
        mode=Mode(values.pop('mode')),
        preferred_hypervisors=tuple(
            dict.fromkeys(values.pop('preferred_hypervisors'))
        ),
        flexible_placement=FlexiblePlacement(values.pop('flexible_placement')),
        unclassified_hosts=UnclassifiedHosts(values.pop('unclassified_hosts')),
        vmdk_images=VmdkImages(values.pop('vmdk_images')),
        **values,
    )

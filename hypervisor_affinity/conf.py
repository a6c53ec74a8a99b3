# SPDX-License-Identifier: Apache-2.0
"""The ``[hypervisor_affinity]`` options of nova.conf.

Nothing is registered at import: callers pass the ``ConfigOpts`` they use,
which on a scheduler host is ``nova.conf.CONF``.
"""

import math
import os
import weakref

from oslo_config import cfg
from oslo_config import types
from oslo_log import log as logging

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import policy as policies
from hypervisor_affinity.core.policy import Policy

LOG = logging.getLogger(__name__)


class Family(types.ConfigType):
    """A hypervisor by any of its spellings, stored as its family."""

    def __init__(self) -> None:
        super().__init__(type_name='hypervisor')

    def __call__(self, value: str) -> str:
        """Return the family.

        :raises ValueError: if the value names no hypervisor
        """
        family = hypervisor.canonicalize(value)
        if family is None:
            known = ', '.join(sorted(hypervisor.FAMILY_OF))
            raise ValueError(
                f'{value!r} names no hypervisor; these are known: {known}'
            )
        return family

    def __repr__(self) -> str:
        return 'Family'

    def __eq__(self, other: object) -> bool:
        return type(other) is Family

    __hash__ = types.ConfigType.__hash__

    def _formatter(self, value: str) -> str:
        return value


class FiniteFloat(types.Float):
    """A float that can be added up: neither nan nor inf."""

    def __call__(self, value: object) -> float:
        """Return the number.

        :raises ValueError: if it is not finite
        """
        number = super().__call__(value)
        if number is not None and not math.isfinite(number):
            raise ValueError(f'{value!r} is not a finite number')
        return number


group = cfg.OptGroup(
    'hypervisor_affinity',
    title='Placing servers by hypervisor',
    help="""
How ``HypervisorAffinityFilter`` and ``HypervisorAffinityWeigher`` place
servers in a cloud with several kinds of hypervisor.

The filter must be in ``[filter_scheduler] enabled_filters`` and the weigher
in ``[filter_scheduler] weight_classes``. All options may be changed while
nova-scheduler runs, by SIGHUP; where nova runs native threads, restart it
instead, since nova then forgets what changed in host aggregates. A wrong
value stops nova-scheduler's start; after a SIGHUP it is reported as an ERROR,
and all the values in force stay.
""",
)

_opts = [
    cfg.ListOpt(
        'preferred_hypervisors',
        item_type=Family(),
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
* The flavor extra spec ``hypervisor_affinity:preferred`` puts an order of its
  own before this one.
""",
    ),
    cfg.StrOpt(
        'flexible_placement',
        default=policies.PREFER,
        choices=[
            (
                policies.PREFER,
                'Use the next hypervisor of the order when the first is full',
            ),
            (
                policies.STRICT,
                'Use only the first hypervisor of the order that can boot '
                'the image; when it is full, the request fails',
            ),
        ],
        mutable=True,
        help="""
What becomes of a flexible request when its first hypervisor is full.

``strict`` is for clouds where the other hypervisor is licensed and must never
take what could run elsewhere. It needs ``HypervisorAffinityFilter`` only;
``prefer`` needs ``HypervisorAffinityWeigher``.

Related options:

* ``[hypervisor_affinity] preferred_hypervisors``
* The aggregate metadata ``hypervisor_affinity_admit=required`` closes single
  aggregates to flexible requests, and ``hypervisor_affinity_reserve`` keeps a
  share of them free.
""",
    ),
    cfg.StrOpt(
        'unclassified_hosts',
        default=policies.REPORTED,
        choices=[
            (
                policies.REPORTED,
                'The hypervisor that its virt driver reports',
            ),
            (policies.NONE, 'Nothing: no request is placed on it'),
            (
                policies.ANY,
                'The hypervisor that its virt driver reports, or any if the '
                'driver reports none that is known',
            ),
        ],
        mutable=True,
        help="""
What a host offers that is in no aggregate with ``hypervisor_type`` metadata.

With ``none``, a new compute host takes no server before somebody has put it
into a tagged aggregate.
""",
    ),
    cfg.StrOpt(
        'vmdk_images',
        default=hypervisor.VMWARE,
        choices=[
            (hypervisor.VMWARE, 'It needs VMware'),
            (policies.FLEXIBLE, 'Any hypervisor will do'),
        ],
        mutable=True,
        help="""
What a VMDK image needs when nothing else in it names a hypervisor.

The libvirt driver can boot the VMDK subformats monolithicSparse and
streamOptimized, as far as ``[compute] vmdk_allowed_types`` lets it; the image
does not say which subformat it has. Choose ``flexible`` if all VMDK images of
the cloud are of these, or mark each image with ``hypervisor_type``.
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

A request that can run on no host at all ends before Placement is asked. The
filter still decides about the hosts that are left, and must be enabled.

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
CrossCellWeigher, which are to win. A negative value turns the order around,
0 switches the weigher off.

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
example, ``No valid host was found. image needs VMware (disk_format=vmdk);
none of the available hosts offers it``. The text never names a host or an
aggregate. Servers of one request for several only get nova's own text, since
by then some of them may already have a place; so do resizes and cold
migrations, where nova puts a text of its own in this one's place.
nova-scheduler logs the reason at level INFO in any case; then nova's own INFO
lines about filters that left no host are missing for this request.
""",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options; registering them again does nothing."""
    conf.register_group(group)
    conf.register_opts(_opts, group=group)


def list_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """Return the options for oslo.config's sample and page generators."""
    return [(group, _opts)]


def read_policy(conf: cfg.ConfigOpts) -> Policy:
    """Build a Policy from the options' present values.

    :raises ValueError: naming option, value and place, if one is wrong
    """
    options = conf.hypervisor_affinity
    return Policy(
        preferred_hypervisors=tuple(
            dict.fromkeys(options.preferred_hypervisors)
        ),
        flexible_placement=options.flexible_placement,
        unclassified_hosts=options.unclassified_hosts,
        vmdk_images=options.vmdk_images,
        placement_prefilter=options.placement_prefilter,
        weight_multiplier=options.weight_multiplier,
        tell_user=options.tell_user,
    )


class PolicySource:
    """The Policy in force, as nova's configuration changes under it."""

    def __init__(self, conf: cfg.ConfigOpts):
        """Read the first Policy.

        :raises ValueError: if an option is wrong: a service must not start
        """
        register_opts(conf)
        self._conf = conf
        self._in_force = read_policy(conf)
        self._read_by = os.getpid()
        self._refused: str | None = None
        # Not read for each request: while oslo.config reloads its files, that
        # would put old values into its cache, where they stay.
        reread = weakref.WeakMethod(self._reread)

        def follow(conf: cfg.ConfigOpts, changes: object) -> None:
            if method := reread():
                method()

        conf.register_mutate_hook(follow)

    def current(self) -> Policy:
        """Return the Policy for one request."""
        # With native threads, nova reloads in a process that serves no
        # request and forks those that do from it. That of nova 32 calls no
        # hook (oslo.service 4.3).
        if self._read_by != os.getpid():
            self._reread()
            # Only now: a request that comes meanwhile is to read for itself.
            self._read_by = os.getpid()
        return self._in_force

    def _reread(self) -> None:
        # If a value is wrong, the whole Policy stays: half of a new
        # configuration is nobody's intent.
        try:
            self._in_force = read_policy(self._conf)
            self._refused = None
        except ValueError as error:
            if str(error) != self._refused:
                self._refused = str(error)
                LOG.error(
                    'The [hypervisor_affinity] options in force stay as '
                    'they were: %s',
                    error,
                )

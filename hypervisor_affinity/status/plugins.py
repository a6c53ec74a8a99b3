# SPDX-License-Identifier: Apache-2.0
"""Checks of the filters and weighers that nova.conf names.

Sources: ``nova.scheduler.host_manager.HostManager``, which loads them, and
``nova.loadables``.
"""

from collections.abc import Iterator

from nova import loadables
from nova.scheduler import filters
from nova.scheduler import weights
from oslo_config import cfg

from hypervisor_affinity import redaction
from hypervisor_affinity.core.policy import FlexiblePlacement
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import failure
from hypervisor_affinity.status.statements import warning

_FILTER = 'HypervisorAffinityFilter'
_WEIGHER = 'HypervisorAffinityWeigher'
_OUR_FILTERS = 'hypervisor_affinity.scheduler.all_filters'
_OUR_WEIGHERS = 'hypervisor_affinity.scheduler.all_weighers'
_NOVAS_FILTERS = 'nova.scheduler.filters.all_filters'
_NOVAS_WEIGHERS = 'nova.scheduler.weights.all_weighers'

# They may strike out the last host for its hypervisor, and say nothing.
_TACITURN = (
    'ComputeCapabilitiesFilter',
    'ImagePropertiesFilter',
    'AggregateImagePropertiesIsolation',
)


def check_filter(conf: cfg.ConfigOpts) -> Iterator[Statement]:
    """Find out whether nova loads the filter and runs it in its place."""
    paths = conf.filter_scheduler.available_filters
    enabled = conf.filter_scheduler.enabled_filters
    loaded, findings = _load(
        filters.HostFilterHandler(), 'available_filters', paths
    )
    yield from findings
    available = {cls.__name__ for cls in loaded}
    if _FILTER not in available:
        yield failure(
            f'{_FILTER} is not among the available filters. Add to '
            '[filter_scheduler] one more line, available_filters = '
            f'{_OUR_FILTERS}.'
        )
    foreign = [name for name in enabled if name not in available | {_FILTER}]
    if foreign:
        names = ', '.join(map(redaction.first_line, foreign))
        yield failure(
            f'enabled_filters names {names}, and no path of '
            'available_filters has it: nova-scheduler does not start. '
            'Correct the name, or name where it is: the line for those of '
            f'nova is available_filters = {_NOVAS_FILTERS}.'
        )
    if _FILTER not in enabled:
        yield failure(
            f'{_FILTER} is not enabled: servers are placed on hypervisors '
            'that cannot boot them. Add it to [filter_scheduler] '
            'enabled_filters, before ComputeCapabilitiesFilter and '
            'ImagePropertiesFilter.'
        )
        return
    before = enabled[: enabled.index(_FILTER)]
    taciturn = [name for name in _TACITURN if name in before]
    if taciturn:
        yield warning(
            f'{_FILTER} comes after {" and ".join(taciturn)} in '
            'enabled_filters: if no host is left there, no reason is logged. '
            f'Put {_FILTER} first.'
        )


def check_weigher(conf: cfg.ConfigOpts, policy: Policy) -> Iterator[Statement]:
    """Find out whether nova loads the weigher, if one is needed."""
    loaded, findings = _load(
        weights.HostWeightHandler(),
        'weight_classes',
        conf.filter_scheduler.weight_classes,
    )
    yield from findings
    at_work = any(cls.__name__ == _WEIGHER for cls in loaded)
    # By strict placement, only hosts of the first hypervisor are left.
    if policy.flexible_placement == FlexiblePlacement.PREFER and not at_work:
        yield failure(
            f'{_WEIGHER} is not enabled, and flexible_placement is prefer: '
            'nova puts requests that can run on any hypervisor where most RAM '
            f'is free, which is a vCenter cluster. Add {_OUR_WEIGHERS} to '
            '[filter_scheduler] weight_classes, or set flexible_placement = '
            'strict.'
        )
    if not any(cls.__module__.startswith('nova.') for cls in loaded):
        yield warning(
            "None of nova's own weighers is enabled: nothing spreads servers "
            'between hosts of one hypervisor, or avoids hosts that fail to '
            f'build. Add {_NOVAS_WEIGHERS} to [filter_scheduler] '
            'weight_classes.'
        )


def _load(
    handler: loadables.BaseLoader, option: str, paths: list[str]
) -> tuple[list[type], list[Statement]]:
    """Load classes as nova-scheduler does; find paths that do not load."""
    classes: list[type] = []
    findings = []
    for path in paths:
        try:
            classes += handler.get_matching_classes([path])
        except Exception as error:
            name = redaction.first_line(path)
            why = redaction.first_line(str(error))
            findings.append(
                failure(
                    f'{option} names {name}, which cannot be loaded: {why}. '
                    'nova-scheduler does not start. Correct the path, or '
                    'install what is missing in the environment of '
                    'nova-scheduler.'
                )
            )
    return classes, findings

# SPDX-License-Identifier: Apache-2.0
"""nova's configuration in a simulation.

It is one for a process, ``nova.conf.CONF``.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import nova.conf
from oslo_config import cfg

from hypervisor_affinity import conf
from hypervisor_affinity import conf_files
from hypervisor_affinity import redaction
from hypervisor_affinity.core.nearness import Nearest
from hypervisor_affinity.simulation.scenario import ScenarioError

CONF = nova.conf.CONF

# The settings that this project asks operators to make; in force where no
# nova.conf is given.
RECOMMENDED: Mapping[str, Mapping[str, Any]] = {
    'filter_scheduler': {
        'available_filters': [
            'nova.scheduler.filters.all_filters',
            'hypervisor_affinity.scheduler.all_filters',
        ],
        'enabled_filters': [
            'ComputeFilter',
            'HypervisorAffinityFilter',
            'ComputeCapabilitiesFilter',
            'ImagePropertiesFilter',
            'ServerGroupAntiAffinityFilter',
            'ServerGroupAffinityFilter',
        ],
        'weight_classes': [
            'nova.scheduler.weights.all_weighers',
            'hypervisor_affinity.scheduler.all_weighers',
        ],
        'hypervisor_version_weight_multiplier': 0.0,
    }
}

# Options that have others at work, and those that need data of servers which
# no snapshot holds: group, option, the value with which they do nothing.
_NOT_SIMULATED = (
    ('scheduler', 'enable_isolated_aggregate_filtering', False),
    ('scheduler', 'limit_tenants_to_placement_aggregate', False),
    ('scheduler', 'query_placement_for_routed_network_aggregates', False),
    ('filter_scheduler', 'image_props_weight_multiplier', 0.0),
)

# No nova-compute writes a heartbeat: all are as old as the simulation.
_DOWN_AFTER = 365 * 24 * 3600


def read_files(files: Iterable[str]) -> None:
    """Begin with the options of files.

    :param files: nova.conf; none for the recommended settings
    :raises ScenarioError: naming the file or option that is wrong
    """
    files = list(files)
    conf.register_opts(CONF)
    CONF.reset()
    try:
        conf_files.read(CONF, files, project='nova')
    except conf_files.ConfError as error:
        raise ScenarioError(str(error)) from error
    except OSError as error:
        named = error.filename or ', '.join(files)
        raise ScenarioError(f'{named}: {error.strerror}') from error
    CONF.set_override('service_down_time', _DOWN_AFTER)
    CONF.set_override('track_instance_changes', False, 'filter_scheduler')
    if not files:
        set_options(RECOMMENDED)


def set_options(options: Mapping[str, Mapping[str, Any]]) -> None:
    """Set options, which override those of files and of earlier calls.

    :param options: {group: {option: value}}
    :raises ScenarioError: naming the option that is wrong
    """
    for group, values in options.items():
        for option, value in values.items():
            _set(group, option, value)


def ignored() -> Iterator[str]:
    """Yield what operators should know of options without effect here."""
    for group, option, harmless in _NOT_SIMULATED:
        if getattr(CONF[group], option, harmless) != harmless:
            yield f'[{group}] {option} is not simulated'


def choice() -> Iterator[str]:
    """Yield how nova chooses among the first of the hosts, by chance."""
    options = CONF.filter_scheduler
    if options.host_subset_size > 1:
        yield (
            f'nova chooses one of the first {options.host_subset_size} hosts '
            'at random (host_subset_size)'
        )
    if options.shuffle_best_same_weighed_hosts:
        yield (
            'nova chooses one of the hosts of the same weight at random '
            '(shuffle_best_same_weighed_hosts)'
        )


def _set(group: str, option: str, value: Any) -> None:
    try:
        CONF.set_override(option, value, None if group == 'DEFAULT' else group)
    except (cfg.Error, ValueError, TypeError) as error:
        said = redaction.first_line(str(error))
        if isinstance(error, cfg.NoSuchOptError):
            options = CONF if group == 'DEFAULT' else CONF[group]
            said += Nearest(option, options).question
        raise ScenarioError(f'option {group}.{option}: {said}') from error

# SPDX-License-Identifier: Apache-2.0
"""The nova.conf that operators are told to copy, as nova reads it."""

import pathlib
from typing import Any

from oslo_config import cfg

from hypervisor_affinity import conf as our_conf

PATH = pathlib.Path(__file__).parents[1] / 'etc/nova/hypervisor-affinity.conf'
_NAMES = (
    'available_filters',
    'enabled_filters',
    'weight_classes',
    'hypervisor_version_weight_multiplier',
)


def load(path: pathlib.Path = PATH) -> cfg.ConfigOpts:
    """Return the configuration of a nova-scheduler with just one file."""
    # Not at import: the embedded cloud must come before the rest of nova.
    from nova.conf import scheduler

    conf = cfg.ConfigOpts()
    scheduler.register_opts(conf)
    our_conf.register_opts(conf)
    conf([f'--config-file={path}'], project='nova', default_config_dirs=[])
    return conf


def filter_scheduler(path: pathlib.Path = PATH) -> dict[str, Any]:
    """Return the options it sets in [filter_scheduler]."""
    options = load(path).filter_scheduler
    return {name: options[name] for name in _NAMES}


def default_filters() -> list[str]:
    """Return the filters that nova enables unless it is told otherwise."""
    from nova.conf import scheduler

    conf = cfg.ConfigOpts()
    scheduler.register_opts(conf)
    conf(
        [],
        project='nova',
        default_config_files=[],
        default_config_dirs=[],
    )
    return conf.filter_scheduler.enabled_filters

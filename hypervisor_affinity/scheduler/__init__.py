# SPDX-License-Identifier: Apache-2.0
"""The plug-ins for nova-scheduler and nova-api.

nova.conf names the two functions below in ``[filter_scheduler]
available_filters`` and ``weight_classes``; nova calls them once, when
nova-scheduler starts.
"""

from stevedore import extension

FILTERS = 'hypervisor_affinity.scheduler.filters'
WEIGHERS = 'hypervisor_affinity.scheduler.weighers'


def all_filters() -> list[type]:
    """Return the filter classes of every installed package.

    :raises Exception: whatever importing one of them raised. A scheduler
        that silently lacks a filter would place servers wrongly.
    """
    return _load(FILTERS)


def all_weighers() -> list[type]:
    """Return the weigher classes of every installed package.

    :raises Exception: whatever importing one of them raised
    """
    return _load(WEIGHERS)


def _load(namespace: str) -> list[type]:
    plugins: extension.ExtensionManager[type] = extension.ExtensionManager(
        namespace, on_load_failure_callback=_refuse
    )
    return [each.plugin for each in plugins]


def _refuse(
    manager: object, entry_point: object, error: BaseException
) -> None:
    raise error

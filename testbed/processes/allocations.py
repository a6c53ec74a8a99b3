# SPDX-License-Identifier: Apache-2.0
"""What Placement has allocated, compared with the servers that nova has."""

from testbed.processes.cloud import Cloud

# The first in which a server shows what its flavor was.
_MICROVERSION = '2.47'


def differences(cloud: Cloud) -> list[str]:
    """Say where the two differ; an empty list if they agree.

    Of servers that neither move nor are resized, a server that nova has put
    on a node has there what its flavor takes, and nothing else has anything.
    """
    expected = _servers(cloud)
    found = _allocations(cloud)
    return [
        f'{consumer}: {expected.get(consumer, {})} in nova, '
        f'{found.get(consumer, {})} in Placement'
        for consumer in sorted(expected.keys() | found.keys())
        if expected.get(consumer) != found.get(consumer)
    ]


def _servers(cloud: Cloud) -> dict[str, dict]:
    """Return {server: {node: {resource class: amount}}}."""
    servers = cloud.admin.compute.get(
        '/servers/detail?all_tenants=True', microversion=_MICROVERSION
    ).json()['servers']
    return {
        server['id']: {node: _taken(server)}
        for server in servers
        if (node := server['OS-EXT-SRV-ATTR:hypervisor_hostname'])
    }


def _taken(server: dict) -> dict[str, int]:
    flavor = server['flavor']
    taken = {'VCPU': flavor['vcpus'], 'MEMORY_MB': flavor['ram']}
    # Without an image it was booted from a volume.
    disk = flavor['ephemeral'] + (flavor['disk'] if server['image'] else 0)
    return {**taken, 'DISK_GB': disk} if disk else taken


def _allocations(cloud: Cloud) -> dict[str, dict]:
    """Return {consumer: {provider's name: {resource class: amount}}}."""
    found: dict[str, dict] = {}
    placement = cloud.admin.placement
    for provider in placement.resource_providers():
        answer = placement.get(
            f'/resource_providers/{provider.id}/allocations'
        )
        for consumer, allocation in answer.json()['allocations'].items():
            of_consumer = found.setdefault(consumer, {})
            of_consumer[provider.name] = allocation['resources']
    return found

# SPDX-License-Identifier: Apache-2.0
"""A network of a cloud, for servers that are to have a port."""

from collections.abc import Callable

from openstack.network.v2._proxy import Proxy

# One for all servers of a test.
_SUBNET = '10.0.0.0/16'


def create(proxy: Proxy, name: str, created: Callable[[str], object]) -> str:
    """Create a network; return its id.

    :param created: called with the id before anything else may fail, to have
        the network deleted in the end
    """
    network = proxy.create_network(name=name).id
    created(network)
    proxy.create_subnet(
        network_id=network,
        ip_version=4,
        cidr=_SUBNET,
        enable_dhcp=False,
    )
    return network

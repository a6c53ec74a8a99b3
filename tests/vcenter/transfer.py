# SPDX-License-Identifier: Apache-2.0
"""Files that vCenter reads and writes over HTTPS, as nova's driver does it."""

import http.client
import ssl
from typing import NamedTuple
from urllib import parse

from pyVmomi import vim

from testbed.vcenter.simulator import VCenter


class Answer(NamedTuple):
    """Of the server."""

    status: int
    content: bytes


def send(
    vcenter: VCenter,
    method: str,
    path: str,
    content: bytes | None = None,
    service: vim.ServiceInstance | None = None,
) -> Answer:
    """Send a request.

    :param path: with the query
    :param service: whose session it is of; None for no session
    """
    connection = http.client.HTTPSConnection(
        vcenter.host,
        vcenter.port,
        context=ssl.create_default_context(cafile=vcenter.ca_file),
    )
    cookie = service._stub.cookie.partition(';')[0] if service else None
    try:
        connection.request(
            method, path, content, {'Cookie': cookie} if cookie else {}
        )
        answer = connection.getresponse()
        return Answer(answer.status, answer.read())
    finally:
        connection.close()


def folder_path(datastore: str, file: str) -> str:
    """Return the path of a file of a datastore."""
    query = parse.urlencode({'dcPath': 'datacenter', 'dsName': datastore})
    return f'/folder/{file}?{query}'


def lease_path(lease: vim.HttpNfcLease) -> str:
    """Return the path of the only disk of a lease."""
    (device,) = lease.info.deviceUrl
    # The client puts its address there.
    assert device.url.startswith('https://*/')
    return parse.urlsplit(device.url).path

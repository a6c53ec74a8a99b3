#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure what the exporter's readings of a large cloud cost.

Writes the figures of three readings, in JSON: one of all servers, and two of
what has changed, with 100 servers that have changed. Run it from the top of
the checkout::

    python -m tests.integration.read_again --servers 100000 --hosts 500
"""

import argparse
import collections
import json
import os
import resource
import subprocess
import sys
import time

from hypervisor_affinity.cloud.openstack import CloudSource
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.exporter.export import Exporter
from testbed.processes.small_cloud import connect
from tests.integration.endless_cloud import EndlessCloud

CHANGED = 100
READINGS = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--servers', type=int, default=100_000)
    parser.add_argument('--hosts', type=int, default=500)
    parser.add_argument('--url', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.url:
        read(arguments.url)
        return
    rows = measure(arguments.servers, arguments.hosts)
    sys.stdout.write(json.dumps(rows, indent=2) + '\n')


def measure(servers, hosts):
    """Return the figures of each reading.

    The exporter has a process of its own: the fake services are slower than
    it is.
    """
    rows = []
    with EndlessCloud(servers, CHANGED, hosts) as cloud:
        reader = subprocess.Popen(
            [sys.executable, '-m', __spec__.name, '--url', cloud.url],
            env={**os.environ, 'PYTHONWARNINGS': 'ignore'},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(READINGS):
            cloud.requests.clear()
            reader.stdin.write('\n')
            reader.stdin.flush()
            row = json.loads(reader.stdout.readline())
            kinds = collections.Counter(map(kind, cloud.requests))
            rows.append({**row, 'requests': dict(kinds)})
        reader.communicate()
        assert reader.returncode == 0
    return rows


def kind(request):
    """Return which service a request is to."""
    first, _, rest = request.path.strip('/').partition('/')
    if first == 'v2.1':
        return 'nova: servers' if rest.startswith('servers') else 'nova'
    return {'v2': 'glance', 'v3': 'cinder'}.get(first, 'placement')


def read(url):
    """Read whenever there is a line to be read, and write what it took."""
    source = CloudSource(
        connect(
            block_storage_endpoint_override=f'{url}/v3',
            compute_endpoint_override=f'{url}/v2.1',
            image_endpoint_override=f'{url}/v2',
            placement_endpoint_override=url,
        )
    )
    exporter = Exporter(source, Policy(), [], None, 60)
    for _ in sys.stdin:
        began, used = time.monotonic(), time.process_time()
        exporter._read_nova()
        row = {
            'seconds': round(time.monotonic() - began, 1),
            'processor_seconds': round(time.process_time() - used, 1),
            'mebibytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            // 1024,
        }
        sys.stdout.write(json.dumps(row) + '\n')
        sys.stdout.flush()


if __name__ == '__main__':
    main()

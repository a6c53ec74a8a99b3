# SPDX-License-Identifier: Apache-2.0
"""Save a snapshot of a cloud, and write what that took: URL FILE.

URL is of :class:`tests.integration.endless_cloud.EndlessCloud`.
"""

import json
import pathlib
import resource
import sys
import time

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.openstack import CloudSource
from testbed.processes.small_cloud import connect


def main():
    url, path = sys.argv[1:]
    source = CloudSource(
        connect(
            block_storage_endpoint_override=f'{url}/v3',
            compute_endpoint_override=f'{url}/v2.1',
            image_endpoint_override=f'{url}/v2',
        )
    )
    began = time.monotonic()
    counts = files.save(source, pathlib.Path(path))
    taken = {
        'counts': counts,
        'seconds': time.monotonic() - began,
        'kilobytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    sys.stdout.write(json.dumps(taken))


if __name__ == '__main__':
    main()

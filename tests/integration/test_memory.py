# SPDX-License-Identifier: Apache-2.0
"""A cloud of any number of servers needs the memory of a page."""

import json
import os
import pathlib
import subprocess
import sys

from hypervisor_affinity.cloud.files import FileSource
from tests.integration import save_snapshot
from tests.integration.endless_cloud import EndlessCloud

CHECKOUT = pathlib.Path(__file__).parents[2]
FEW = 1000
MANY = 20_000
# Of each server on a volume, a page aside: id and place in a table. The rest
# is what the allocator happens to need.
KILOBYTES = 16 * 1024


def save(servers, path):
    """Save a snapshot in another process; return what that took."""
    with EndlessCloud(servers) as cloud:
        ended = subprocess.run(
            [sys.executable, save_snapshot.__file__, cloud.url, path],
            env={**os.environ, 'PYTHONPATH': str(CHECKOUT)},
            stdout=subprocess.PIPE,
            check=True,
        )
    return json.loads(ended.stdout)


def test_servers(tmp_path):
    few = save(FEW, tmp_path / 'few.json')
    path = tmp_path / 'many.json'
    many = save(MANY, path)
    assert (few['counts']['servers'], many['counts']['servers']) == (FEW, MANY)
    *_, last = FileSource(path).servers()
    assert last.name == f'server-{MANY - 1}'
    growth = many['kilobytes'] - few['kilobytes']
    assert growth < KILOBYTES, f'{growth} KB more for {MANY - FEW} servers'

# SPDX-License-Identifier: Apache-2.0
"""The exporter and Prometheus as processes, with the configuration of etc/."""

import json
import shutil
import sys
import urllib.parse

import yaml

from testbed.processes import ports
from testbed.processes.child import Child
from tests.prometheus import shipped
from tests.prometheus import web

_INTERVAL = '1s'


class Exporter(Child):
    """``hypervisor-affinity exporter`` of a snapshot.

    :ivar address: where it serves
    """

    def __init__(self, snapshot, output, *options):
        [port] = ports.free(1)
        self.address = f'127.0.0.1:{port}'
        super().__init__(
            [
                sys.executable,
                '-m',
                'hypervisor_affinity.cli.shell',
                'exporter',
                '--snapshot',
                snapshot,
                '--listen',
                self.address,
                '--interval',
                '1',
                *options,
            ],
            output,
        )

    def wait(self):
        """Wait until it serves."""
        self.wait_for_text(f'serving http://{self.address}/metrics')


class Prometheus(Child):
    """Prometheus, scraping one exporter."""

    def __init__(self, folder, target):
        [port] = ports.free(1)
        self._url = f'http://127.0.0.1:{port}'
        shutil.copy(shipped.RULES, folder)
        configuration = folder / shipped.CONFIGURATION.name
        configuration.write_text(yaml.safe_dump(_configuration(target)))
        super().__init__(
            [
                'prometheus',
                f'--config.file={configuration}',
                f'--storage.tsdb.path={folder / "data"}',
                f'--web.listen-address=127.0.0.1:{port}',
            ],
            folder / 'prometheus.log',
        )

    def wait(self):
        """Wait until it answers."""
        self.wait_until(lambda: web.answers(f'{self._url}/-/ready'), 'ready')

    def ask(self, path, **parameters):
        """Return what the HTTP API says.

        :param parameters: those that are lists are repeated
        """
        query = urllib.parse.urlencode(parameters, doseq=True)
        answer = json.loads(web.read(f'{self._url}/api/v1/{path}?{query}'))
        assert answer['status'] == 'success', answer
        return answer['data']

    def query(self, expression):
        """Return the series that an expression has now."""
        return self.ask('query', query=expression)['result']


def _configuration(target):
    """Return the shipped one, for this target and in a hurry."""
    found = yaml.safe_load(shipped.CONFIGURATION.read_text())
    for key in ('scrape_interval', 'evaluation_interval'):
        assert key in found['global']
        found['global'][key] = _INTERVAL
    [job] = found['scrape_configs']
    [group] = job['static_configs']
    [_] = group['targets']
    group['targets'] = [target]
    return found

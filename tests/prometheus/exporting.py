# SPDX-License-Identifier: Apache-2.0
"""An exporter in this process, and what it serves."""

import contextlib

from prometheus_client.parser import text_string_to_metric_families

from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.exporter.decision_metrics import DecisionCounts
from hypervisor_affinity.exporter.decision_reading import DecisionReading
from hypervisor_affinity.exporter.export import NOVA
from hypervisor_affinity.exporter.export import Exporter
from testbed.processes import polling
from tests.prometheus import web

_PREFIX = 'hypervisor_affinity_'


class Scrape:
    """What the exporter served once.

    :ivar text: as it was
    :ivar samples: of the exporter's own metrics, by metric, which goes
        without the prefix, and labels
    """

    def __init__(self, text):
        self.text = text
        self.samples = {
            (
                sample.name.removeprefix(_PREFIX),
                frozenset(sample.labels.items()),
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith(_PREFIX)
        }

    def value(self, metric, **labels):
        """Return one sample; None if it is not there."""
        return self.samples.get((metric, frozenset(labels.items())))

    def of(self, source):
        """Return what it tells about the readings of one source."""
        return {
            metric: self.value(metric, source=source)
            for metric in (
                'read_success',
                'read_errors_total',
                'last_successful_read_timestamp_seconds',
            )
        }


class _Listener:
    """A bus that brings some records at once."""

    is_connected = True

    def __init__(self, records, take):
        self._records = records
        self._take = take

    def start(self):
        for each in self._records:
            self._take(each, b'')

    def stop(self):
        pass


def reading(records):
    """Return what has got these records."""
    return DecisionReading(
        None,
        'pool',
        DecisionCounts(Policy().preferred_hypervisors),
        interval=60,
        listener=lambda bus, pool, take, *others, **options: _Listener(
            records, take
        ),
    )


@contextlib.contextmanager
def exporting(source, vcenters=None, interval=60, decisions=None):
    """Run an exporter; return a function that scrapes it.

    :param vcenters: names, and what reads each; None for the source's
    :param decisions: records of such; None if it does not listen
    """
    if vcenters is None:
        vcenters = [
            (each.name, lambda each=each: each) for each in source.vcenters()
        ]
    exporter = Exporter(
        source,
        Policy(),
        vcenters,
        None,
        interval,
        None if decisions is None else reading(decisions),
    )
    _, port = exporter.serve('127.0.0.1', 0)
    exporter.start()
    try:
        yield lambda: Scrape(web.read(f'http://127.0.0.1:{port}/metrics'))
    finally:
        exporter.stop()


def scraped(source, decisions=None):
    """Return what an exporter serves after it has read all of a source."""
    with exporting(source, decisions=decisions) as scrape:
        return polling.until(
            # It reads the vCenters first.
            lambda: (
                found
                if (found := scrape()).value('read_success', source=NOVA)
                else None
            ),
            'the first reading',
        )

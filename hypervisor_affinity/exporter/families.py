# SPDX-License-Identifier: Apache-2.0
"""Making metrics, all with the project's name before theirs."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import InfoMetricFamily
from prometheus_client.metrics_core import Metric

_PREFIX = 'hypervisor_affinity'

# The labels' values, and the sample's.
Row = tuple[tuple[str, ...], float]


def gauge(
    name: str, text: str, labels: tuple[str, ...], rows: Iterable[Row]
) -> Metric:
    """Return a gauge with a sample for each row."""
    family = GaugeMetricFamily(f'{_PREFIX}_{name}', text, labels=labels)
    return _filled(family, rows)


def counter(
    name: str, text: str, labels: tuple[str, ...], rows: Iterable[Row]
) -> Metric:
    """Return a counter; its samples' names end in ``_total``."""
    family = CounterMetricFamily(f'{_PREFIX}_{name}', text, labels=labels)
    return _filled(family, rows)


def info(name: str, text: str, rows: Iterable[dict[str, str]]) -> Metric:
    """Return a metric whose labels are what it tells; names end ``_info``."""
    family = InfoMetricFamily(f'{_PREFIX}_{name}', text)
    for row in rows:
        family.add_metric((), row)
    return family


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, rows: Iterable[Row]
) -> Metric:
    for values, sample in rows:
        family.add_metric(values, sample)
    return family

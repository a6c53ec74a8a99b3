# SPDX-License-Identifier: Apache-2.0
"""The page of the exporter has every metric, with its labels, and no other."""

import pathlib
import re

from tests.prometheus import clouds
from tests.prometheus import exporting

PAGE = pathlib.Path(__file__).parents[2] / 'doc/source/cli/exporter.rst'
PREFIX = 'hypervisor_affinity_'
# What `{…` stands for: what is said above the table, or in the row before.
UNSAID = '…'


def documented():
    """Return the labels of each metric, by its name without the prefix."""
    text = PAGE.read_text()
    text = text[text.index('\nMetrics\n') : text.index('\nPrometheus and')]
    found = {}
    for line in text.splitlines():
        # Two columns, each at least two blanks apart: a row of a table.
        if not re.match(r'``\S+``(, ``\S+``)*\s{2,}\S', line):
            continue
        names = re.findall(r'``([^`]+)``', re.split(r'\s{2,}', line)[0])
        labels = None
        for name in names:
            name, _, rest = name.partition('{')
            if rest:
                labels = set(rest.rstrip('}').split(','))
            if name.startswith(UNSAID):
                # The row has the whole name first.
                name = names[0].split('_')[0] + name.removeprefix(UNSAID)
            found[name.removesuffix(UNSAID)] = labels or {UNSAID}
    return found


def served():
    """Return the labels of each metric of ours, by the name of its samples."""
    samples = re.findall(
        rf'^{PREFIX}(\w+)(?:{{(.*)}})? ',
        exporting.scraped(clouds.troubled(), clouds.decisions()).text,
        re.MULTILINE,
    )
    return {
        name: set(re.findall(r'(\w+)="', labels)) for name, labels in samples
    }


def test_every_metric_is_on_the_page_and_no_other():
    # When a counter began is prometheus_client's own.
    names = {name for name in served() if not name.endswith('_created')}
    assert names == documented().keys()


def test_the_labels_are_those_of_the_page():
    real = served()
    for name, labels in documented().items():
        if UNSAID in labels:
            assert labels - {UNSAID} <= real[name], name
        else:
            assert labels == real[name], name

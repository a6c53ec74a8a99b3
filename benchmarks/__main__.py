# SPDX-License-Identifier: Apache-2.0
"""Time the filter and the weigher, alone and in whole requests.

Prints tables, writes them with all figures and a plot to
``benchmarks/results``, and exits with 1 if a ratio is outside its budget.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import sys
from typing import Any

import nova.conf
from nova import rpc
from oslo_log import log as oslo_log

from benchmarks import end_to_end
from benchmarks import modes
from benchmarks import per_host

RESULTS = pathlib.Path(__file__).parent / 'results'


def main() -> int:
    """Run the benchmarks; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--sizes',
        type=int,
        nargs='+',
        choices=per_host.SIZES,
        default=per_host.SIZES,
    )
    sizes = parser.parse_args().sizes
    prepare_nova()
    RESULTS.mkdir(exist_ok=True)
    rows = per_host.measure(sizes)
    write(
        'filter',
        per_host.table(rows),
        {'rows': [row._asdict() for row in rows]},
    )
    wrong = per_host.outside_budget(rows)
    if both := [size for size in sizes if size in modes.SIZES]:
        found = modes.measure(both)
        figures = {'rows': [row._asdict() for row in found]}
        write('modes', modes.table(found), figures)
        wrong += modes.outside_budget(found)
    if whole := [size for size in sizes if size in end_to_end.SIZES]:
        whole_figures = end_to_end.measure(whole)
        write(
            'end_to_end',
            end_to_end.text(whole_figures),
            whole_figures.primitive(),
        )
        end_to_end.draw(whole_figures, RESULTS / 'end_to_end.svg')
        wrong += end_to_end.outside_budget(whole_figures)
    for complaint in wrong:
        print(f'over the limit: {complaint}', file=sys.stderr)
    return 1 if wrong else 0


def prepare_nova() -> None:
    """Configure this process as nova-scheduler is by default."""
    conf = nova.conf.CONF
    oslo_log.register_options(conf)
    conf([], project='nova', default_config_files=[])
    # As nova-scheduler logs by default, to a file that costs nothing. Of
    # aggregate metadata that is no image property, such as
    # availability_zone, nova's isolation filter writes a WARNING for each
    # host and request.
    conf.set_override('log_file', os.devnull)
    oslo_log.setup(conf, 'nova')
    # Without a driver for notifications, nothing is ever sent.
    rpc.init(conf)


def write(name: str, text: str, figures: dict[str, Any]) -> None:
    """Print a text, and keep it with the figures that it rests on."""
    print(text, end='\n\n', flush=True)
    (RESULTS / f'{name}.rst').write_text(text + '\n', encoding='utf-8')
    circumstances = {
        'nova': importlib.metadata.version('nova'),
        'python': platform.python_version(),
        'machine': platform.machine(),
    }
    (RESULTS / f'{name}.json').write_text(
        json.dumps({**circumstances, **figures}, indent=1) + '\n'
    )


if __name__ == '__main__':
    sys.exit(main())

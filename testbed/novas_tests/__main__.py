# SPDX-License-Identifier: Apache-2.0
"""Run nova's tests without us and in mode observe, and compare.

All tests of servers and of server groups, in both ways at the same time, need
about half an hour of two cores.
"""

import argparse
import collections
import pathlib
import sys
import tempfile

from testbed.novas_tests import outcome

_ALL = (
    'nova.tests.functional.test_server_group',
    'nova.tests.functional.test_servers',
)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog='python -m testbed.novas_tests',
        description=__doc__.splitlines()[0],
    )
    parser.add_argument(
        'names',
        nargs='*',
        default=_ALL,
        help='modules, classes or tests (default: all of servers and of '
        'server groups)',
    )
    names = parser.parse_args().names
    with tempfile.TemporaryDirectory() as folder:
        pair = outcome.run(pathlib.Path(folder), names)
    for title, outcomes in pair._asdict().items():
        endings = collections.Counter(
            each.ending for each in outcomes.values()
        )
        counted = ', '.join(f'{n} {ending}' for ending, n in endings.items())
        sys.stdout.write(f'{title}: {counted or "no test"}\n')
    sys.stdout.write(
        f'Our filter was called {pair.count("calls")} times and would have '
        f'refused {pair.count("refusals")}; '
        f'{sum(bool(o.own_filters) for o in pair.observe.values())} tests '
        'choose filters by themselves\n'
    )
    if pair.differences or not pair.observe:
        sys.exit('\n'.join(pair.differences) or 'no test was run')


if __name__ == '__main__':
    main()

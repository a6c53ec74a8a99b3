# SPDX-License-Identifier: Apache-2.0
"""Place the reference case with our plug-ins and with stock nova.

Exits with 1 if our plug-ins leave a server on the wrong hypervisor.
"""

import concurrent.futures
import json
import subprocess
import sys
import time

from rich import box
from rich import console
from rich import progress
from rich import table

from demo import reference_case
from demo.reference_case import KINDS
from demo.reference_case import KVM
from demo.reference_case import NOWHERE
from demo.reference_case import SCHEDULERS
from demo.reference_case import TOTAL
from demo.reference_case import VCENTER
from demo.reference_case import Kind
from demo.reference_case import Result

_SHORT = {KVM: 'KVM', VCENTER: 'vCenter', NOWHERE: NOWHERE}


def boot(key: str, bars: progress.Progress) -> Result:
    """Boot the reference case in a process of its own.

    :raises subprocess.CalledProcessError: with its output, if it failed
    """
    task = bars.add_task(SCHEDULERS[key].title, total=TOTAL)
    command = [sys.executable, '-m', 'demo.boot', key]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.strip().isdecimal():
                bars.update(task, completed=int(line))
        complaints = process.stderr.read()
    if process.returncode:
        raise subprocess.CalledProcessError(
            process.returncode, command, ''.join(lines), complaints
        )
    return Result(**json.loads(lines[-1]))


def boot_all(out: console.Console) -> dict[str, Result]:
    """Boot with every scheduler, all at once: so no core is ever idle."""
    columns = (
        progress.TextColumn('{task.description}'),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
    )
    with (
        progress.Progress(*columns, console=out) as bars,
        concurrent.futures.ThreadPoolExecutor(len(SCHEDULERS)) as pool,
    ):
        booting = {key: pool.submit(boot, key, bars) for key in SCHEDULERS}
        return {key: future.result() for key, future in booting.items()}


def cell(kind: Kind, result: Result) -> str:
    """Say where the servers of a kind ended."""
    placed = result.placed[kind.title]
    parts = []
    for where in sorted(placed, key=lambda name: name != kind.expected):
        text = f'{placed[where]} {_SHORT[where]}'
        if where != kind.expected:
            if where != NOWHERE and not kind.bootable_on(where):
                text += ', unbootable'
            text = f'[red]{text}[/red]'
        parts.append(text)
    return '\n'.join(parts)


def comparison(results: dict[str, Result]) -> table.Table:
    """Return where each kind's servers ended with each scheduler."""
    rows = table.Table(box=box.SIMPLE_HEAD, show_footer=True, padding=(0, 1))
    rows.add_column(
        'Servers from', footer='on the right hypervisor', no_wrap=True
    )
    rows.add_column('', justify='right', footer=str(TOTAL))
    rows.add_column('belong on')
    for key, result in results.items():
        wrong = sum(result.wrong(kind) for kind in KINDS)
        rows.add_column(
            SCHEDULERS[key].title,
            footer=f'{TOTAL - wrong} of {TOTAL}',
            min_width=len(SCHEDULERS[key].title),
        )
    for kind in KINDS:
        rows.add_row(
            kind.title,
            str(kind.count),
            _SHORT[kind.expected],
            *(cell(kind, result) for result in results.values()),
        )
    return rows


def main() -> int:
    """Run the demo; return the exit status."""
    out = console.Console(highlight=False)
    if not out.is_terminal:
        out.width = 126
    out.print(
        f'Booting {TOTAL} servers with nova, once with each scheduler '
        f'configuration: {reference_case.KVM_HOSTS} KVM hosts,\none vCenter '
        f'host of {reference_case.ESXI_HYPERVISORS} ESXi hypervisors.'
    )
    began = time.monotonic()
    try:
        results = boot_all(out)
    except subprocess.CalledProcessError as error:
        print(error.stderr, error, sep='\n', file=sys.stderr)
        return 2
    out.print(comparison(results))
    out.print(
        "stock: nova's default filters and "
        'AggregateImagePropertiesIsolation.\nstock + image types: the same '
        'with [scheduler] query_placement_for_image_type_support.\n',
        markup=False,
    )
    ours = results['ours']
    out.print(
        'A qcow2 image with hypervisor_type=vmware cannot boot anywhere. The '
        'owner of the server reads:'
    )
    for key, result in results.items():
        out.print(f'  {SCHEDULERS[key].title}: {result.fault}')
    out.print(f'and nova-scheduler logs:\n  {ours.log}')
    out.print(f'\n{time.monotonic() - began:.0f} seconds')
    wrong = sum(ours.wrong(kind) for kind in KINDS)
    if wrong:
        print(f'{wrong} servers are on the wrong hypervisor', file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())

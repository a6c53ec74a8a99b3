# SPDX-License-Identifier: Apache-2.0
"""Looking into what came of a scenario."""

from hypervisor_affinity.simulation.outcome import Run


def hosts(run: Run) -> list[str | None]:
    return [outcome.host for outcome in run.outcomes]


def last(run: Run, hypervisor: str):
    """Return the last that was measured of a hypervisor."""
    return [u for u in run.usage if u.hypervisor == hypervisor][-1]

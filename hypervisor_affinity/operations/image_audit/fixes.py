# SPDX-License-Identifier: Apache-2.0
"""What fixes an image, unless it moves it: in words, and in its servers."""

from collections.abc import Iterable

from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.operations import commands
from hypervisor_affinity.operations.classification import unfit
from hypervisor_affinity.operations.findings import Changes
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.findings import Remedy
from hypervisor_affinity.operations.image_audit.checks import ImageCheck
from hypervisor_affinity.operations.image_audit.findings import ImageFinding
from hypervisor_affinity.operations.image_audit.findings import cited
from hypervisor_affinity.operations.image_audit.findings import for_owner
from hypervisor_affinity.operations.image_audit.subject import Subject


def fix(
    subject: Subject, check: ImageCheck, evidence: str, fixed: Changes
) -> ImageFinding:
    """Return a finding with its change, or as advice if that moves it."""
    advice = in_words(fixed)
    now, then = subject.spelled_demand, subject.demand_with(fixed)
    broken = then.refusal not in (None, now.refusal)
    if broken or _where(then) != _where(now):
        return for_owner(
            subject, check, evidence, f'{advice}; then: {demand_text(then)}'
        )
    failing = [sign for sign in unfit(then) if sign not in unfit(now)]
    if failing:
        return for_owner(
            subject,
            check,
            evidence,
            f'{advice}; then: a server with {cited(failing)} would fail',
        )
    image = subject.image
    return Finding(
        check,
        image,
        evidence,
        remedy=Remedy(advice, fixed),
        commands=commands.set_properties(
            'image', image.id or image.name, fixed
        ),
    )


def changes(findings: Iterable[ImageFinding]) -> dict[str, str | None]:
    """Return all that fixes an image.

    Where two set the same property, the later wins: it knows the content.
    """
    return {
        name: value
        for finding in findings
        for name, value in finding.changes.items()
    }


def in_words(fixed: Changes) -> str:
    """Say what a change does, in a clause."""
    return ', '.join(
        f'remove {name}' if value is None else f'set {written(name, value)}'
        for name, value in fixed.items()
    )


def for_servers(image: Image, fixed: Changes) -> dict[str, str]:
    """Return what a change of an image is to a server booted from it before.

    :returns: by nova's names, with nova's values, as ``nova-manage
        image_property set`` wants them; without those that it would split at
        a ``=``
    """
    touched = properties.normalize(fixed)
    after = properties.normalize({**read_image(image), **fixed})
    return {
        name: str(after[name])
        for name in touched
        if '=' not in str(after[name])
    }


def _where(demand: Demand) -> tuple:
    """Return where an image asks to run.

    What cannot boot asks for the same hypervisor once it can.
    """
    refusal = demand.refusal
    if refusal is Reason.CANNOT_BOOT:
        refusal = None
    if demand.required is None:
        return None, demand.impossible, refusal
    return demand.required, refusal

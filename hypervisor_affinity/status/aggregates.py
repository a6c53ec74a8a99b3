# SPDX-License-Identifier: Apache-2.0
"""Checks of host aggregates' metadata."""

from collections.abc import Iterable, Iterator

from nova.objects import fields
from oslo_config import cfg

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import problems_of
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import counted
from hypervisor_affinity.status.statements import failure
from hypervisor_affinity.status.statements import not_judged
from hypervisor_affinity.status.statements import warning

_ISOLATION = 'AggregateImagePropertiesIsolation'


def check_metadata(
    aggregates: Iterable[AggregateTags], policy: Policy
) -> Iterator[Statement]:
    """Find metadata of ours that cannot be read."""
    for tags in aggregates:
        try:
            problems = problems_of(tags, policy)
        except Exception as error:
            yield not_judged(f'Aggregate {tags.name}', error)
            continue
        for problem in problems:
            yield warning(
                f'{problem}. nova-scheduler leaves out what it cannot read; '
                'correct the metadata.'
            )


def check_isolation(
    conf: cfg.ConfigOpts, aggregates: Iterable[AggregateTags]
) -> Iterator[Statement]:
    """Find metadata that nova's own filter reads otherwise than ours."""
    options = conf.filter_scheduler
    if (
        _ISOLATION not in options.enabled_filters
        # It then reads no key of ours.
        or options.aggregate_image_properties_isolation_namespace
    ):
        return
    unknown = set()
    for tags in aggregates:
        if 'hypervisor_type' in tags.metadata:
            unknown.add(tags.name)
        value = tags.metadata.get('img_hv_type', '')
        if refused := _refused_types(value):
            yield failure(
                f'aggregate {tags.name}: img_hv_type={value}: {_ISOLATION} '
                'compares exact words, and refuses its hosts to images whose '
                f'hypervisor_type is {" or ".join(refused)}. Write all of '
                'them, in lower case, or remove the filter from '
                'enabled_filters.'
            )
    if unknown:
        yield warning(
            f'{_ISOLATION} does not know the image property hypervisor_type, '
            'and logs a WARNING for each request and each host of '
            f'{counted("aggregate", unknown)}. Remove it from '
            'enabled_filters, since HypervisorAffinityFilter does more, or '
            'tag with img_hv_type, which both read.'
        )


def _refused_types(value: str) -> list[str]:
    """Return types of an image that ours would pass and nova's would not."""
    written = set(map(str.strip, value.split(',')))
    families = hypervisor.read_list(value).families
    return sorted(
        hv_type
        for hv_type in fields.HVType.ALL
        if hypervisor.canonicalize(hv_type) in families
        and hv_type not in written
    )

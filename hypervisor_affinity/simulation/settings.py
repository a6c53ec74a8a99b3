# SPDX-License-Identifier: Apache-2.0
"""Which options a scenario may set: those that only say how to choose a host.

A scenario may be somebody else's, and nova imports what some of its options
name. So a file of a scenario sets options of nova-scheduler and of this
project alone, and of filters and weighers it names those that are installed
as such. What the operator names by ``--set`` or in a ``nova.conf`` is the
operator's own word.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from typing import Any

from nova.conf import scheduler as nova_options
from nova.scheduler import filters
from nova.scheduler import weights
from oslo_config import cfg

from hypervisor_affinity import conf as our_options
from hypervisor_affinity import conf_files
from hypervisor_affinity import scheduler as plugins
from hypervisor_affinity.core.nearness import Nearest
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.scenario import ScenarioError

_GROUP = 'filter_scheduler'
# Options that name what nova imports -> what loads nova's own classes, and
# the path of it; the same for those of all other installed packages.
_IMPORTED = {
    'available_filters': (
        filters.all_filters,
        'hypervisor_affinity.scheduler.all_filters',
        plugins.FILTERS,
    ),
    'weight_classes': (
        weights.all_weighers,
        'hypervisor_affinity.scheduler.all_weighers',
        plugins.WEIGHERS,
    ),
}
# A single sign is oslo.config's for the value of another option.
_REFERENCE = re.compile(r'(?<!\$)(?:\$\$)*\$(?!\$)')


def check(
    story: scenario.Scenario,
    scheduler: str,
    name: str,
    files: Iterable[str],
    options: scenario.Options,
) -> None:
    """Check all options that a scenario sets for one scheduler.

    :param scheduler: its name in the scenario
    :param name: of the scenario's file
    :param files: nova.conf
    :param options: those that the operator sets beside them
    :raises ScenarioError: with the place in the file and the name, if one is
        not for a scenario to set
    :raises ConfError: if a nova.conf cannot be read
    """
    allowed = _allowed()
    named = _named(files, options)
    for place, groups in _places(story, scheduler):
        for group, values in groups.items():
            for option, value in values.items():
                cause = (
                    _not_allowed(allowed, group, option)
                    or _refers(value)
                    or _imports(group, option, value, named)
                )
                if cause:
                    raise ScenarioError(
                        f'{name}: at {place}.{group}.{option}: {cause}'
                    )


def _places(
    story: scenario.Scenario, scheduler: str
) -> Iterator[tuple[str, scenario.Options]]:
    yield '$.options', story.options
    yield f'$.schedulers[{scheduler!r}]', story.schedulers.get(scheduler, {})
    for number, step in enumerate(story.steps):
        for index, action in enumerate(step.do):
            if action.set_options:
                place = f'$.steps[{number}].do[{index}].set_options'
                yield place, action.set_options


def _allowed() -> Mapping[str, frozenset[str]]:
    """Return the options by their groups, from who registers them."""
    groups = [
        *nova_options.list_opts().items(),
        *our_options.list_opts(),
    ]
    return {
        group.name: frozenset(option.dest for option in options)
        for group, options in groups
    }


def _not_allowed(
    allowed: Mapping[str, frozenset[str]], group: str, option: str
) -> str | None:
    if option in allowed.get(group, ()):
        return None
    groups = ', '.join(f'[{name}]' for name in sorted(allowed))
    near = Nearest(option, allowed.get(group, ())).question
    return (
        'a scenario cannot set this option. It can set the options of '
        f'nova-scheduler and of hypervisor-affinity in {groups}. Set other '
        f'options with --set or in a nova.conf{near}'
    )


def _refers(value: object) -> str | None:
    if isinstance(value, str):
        if _REFERENCE.search(value):
            return (
                'a $ refers to the value of another option, which may be a '
                'password; write the value, or $$ for a literal $'
            )
        return None
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    if isinstance(value, list):
        return next(filter(None, map(_refers, value)), None)
    return None


def _imports(
    group: str, option: str, value: object, named: Mapping[str, set[str]]
) -> str | None:
    if group != _GROUP or option not in _IMPORTED:
        return None
    if isinstance(value, str):
        value = [path.strip() for path in value.split(',')]
    if not isinstance(value, list) or not all(
        isinstance(path, str) for path in value
    ):
        return 'not a list of names'
    installed = _installed(option) | named[option]
    strange = [path for path in value if path not in installed]
    if not strange:
        return None
    _, _, entry_points = _IMPORTED[option]
    return (
        f'{strange[0]!r} is not from nova, nor from a package that registers '
        f'it as {entry_points}, and would be imported; if you trust it, name '
        f'it with --set {group}.{option}=... or in a nova.conf'
    )


def _installed(option: str) -> set[str]:
    """Return the paths of what is installed as a filter or a weigher."""
    load_novas, ours, entry_points = _IMPORTED[option]
    return {
        _path(load_novas),
        ours,
        *map(_path, load_novas()),
        *(
            point.value.replace(':', '.')
            for point in metadata.entry_points(group=entry_points)
        ),
    }


def _path(named: Any) -> str:
    return f'{named.__module__}.{named.__qualname__}'


def _named(
    files: Iterable[str], options: scenario.Options
) -> dict[str, set[str]]:
    """Return the paths that the operator names."""
    conf = cfg.ConfigOpts()
    nova_options.register_opts(conf)
    conf_files.read(conf, files)
    named = {}
    with conf_files.values(conf):
        for option in _IMPORTED:
            by_hand = options.get(_GROUP, {}).get(option, ())
            if isinstance(by_hand, str):
                by_hand = by_hand.split(',')
            named[option] = {*conf[_GROUP][option], *map(str, by_hand)}
    return named

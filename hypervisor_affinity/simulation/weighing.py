# SPDX-License-Identifier: Apache-2.0
"""What nova's weighers would give hosts, by nova's own code.

As for a simulation, hosts are HostStates made of a snapshot's records. A
weigher may look at what no record has, such as builds that failed. So each
HostState is watched: the share of a weigher that looks at such a thing is not
known.
"""

import dataclasses
import logging
import multiprocessing
import signal
import uuid
import warnings
from multiprocessing import connection
from typing import Any

import msgspec

from hypervisor_affinity import conf_files
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.explanation import ranking
from hypervisor_affinity.operations.explanation.ranking import Ranking
from hypervisor_affinity.operations.explanation.ranking import Share
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.scenario import ScenarioError
from hypervisor_affinity.simulation.world import World

# What a HostState has from a record; all else it has from nobody. nova counts
# as free on a disk no more than the driver measures (disk_available_least),
# which no API tells.
_KNOWN = frozenset(
    {
        'aggregates',
        'allocation_candidates',
        'cpu_allocation_ratio',
        'disk_allocation_ratio',
        'disk_mb_used',
        'free_ram_mb',
        'host',
        'hypervisor_hostname',
        'hypervisor_type',
        'hypervisor_version',
        'nodename',
        'ram_allocation_ratio',
        'service',
        'supported_instances',
        'total_usable_disk_gb',
        'total_usable_ram_mb',
        'uuid',
        'vcpus_total',
        'vcpus_used',
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """What is weighed, for which request.

    :ivar hosts: those that pass all filters
    :ivar image: None for a volume of none
    :ivar underneath: as :class:`nova_objects.Ask` has it
    :ivar files: nova.conf; none for the recommended settings
    """

    hosts: tuple[Host, ...]
    aggregates: tuple[Aggregate, ...]
    flavor: Flavor
    image: Image | None
    volume: bool = False
    underneath: frozenset[Family] | None = None
    files: tuple[str, ...] = ()


def ask(question: Question) -> Ranking:
    """Return the order of the hosts, from a process of its own.

    :raises ScenarioError: if nova cannot be asked; the text says why
    """
    context = multiprocessing.get_context('spawn')
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, question))
    try:
        process.start()
        sender.close()
        try:
            message = receiver.recv()
        except EOFError:
            message = 'its process ended unexpectedly'
    finally:
        process.terminate()
        process.join()
    if not isinstance(message, Ranking):
        raise ScenarioError(message)
    return message


def _answer(sender: connection.Connection, question: Question) -> None:
    # Ctrl-C is for the parent, who ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter('ignore')
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger('nova').setLevel(logging.CRITICAL)
    try:
        sender.send(weigh(question))
    except ScenarioError as error:
        sender.send(str(error))
    except Exception as error:
        sender.send(f'unexpected {judging.what(error)}; please report it')


def weigh(question: Question) -> Ranking:
    """Return the order of the hosts, by nova in this process.

    :raises ScenarioError: if an option is wrong, or nova refuses the request
    """
    # Here, where nova is needed, and in no process that does without.
    from nova.conf import CONF

    from hypervisor_affinity.simulation import configuration
    from hypervisor_affinity.simulation.scheduler import Scheduler

    world = World(_cloud(question), 'the cloud')
    try:
        with conf_files.values(CONF):
            scheduler = Scheduler(world, question.files)
            weighers = scheduler.weighers
            spec = scheduler.spec(_ask(question))
            states = [
                _Watched(state, _known(node.record))
                for node, state in zip(
                    world.nodes, scheduler.states(), strict=True
                )
            ]
            found, not_known = _shares(weighers, states, spec)
            notes = tuple(configuration.choice())
    except conf_files.ConfError as error:
        raise ScenarioError(str(error)) from None
    names = list(map(ranking.key, question.hosts))
    return Ranking(
        ranking.ranked(dict(zip(names, found, strict=True))),
        _settings(question.files),
        not_known,
        notes,
    )


def _cloud(question: Question) -> scenario.Cloud:
    names = {host.name for host in question.hosts}
    return scenario.Cloud(
        hosts=tuple(
            msgspec.convert(host, scenario.Hosts, from_attributes=True)
            for host in question.hosts
        ),
        aggregates=tuple(
            msgspec.structs.replace(
                aggregate, hosts=tuple(names.intersection(aggregate.hosts))
            )
            for aggregate in question.aggregates
        ),
    )


def _ask(question: Question) -> Any:
    from hypervisor_affinity.simulation.nova_objects import Ask

    return Ask(
        question.image,
        question.flavor,
        question.volume,
        str(uuid.UUID(int=0)),
        underneath=question.underneath,
    )


class _Watched:
    """A HostState, and which of its figures were read that nobody knows."""

    def __init__(self, state: Any, known: frozenset[str]) -> None:
        self._state = state
        self._known = known
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name not in self._known and not name.startswith('__'):
            self.read.add(name)
        return getattr(self._state, name)


def _known(record: Host) -> frozenset[str]:
    # 0 is what nobody has told.
    return (
        _KNOWN
        if record.hypervisor_version
        else _KNOWN - {'hypervisor_version'}
    )


def _shares(
    weighers: list[Any], states: list[_Watched], spec: Any
) -> tuple[list[list[Share]], tuple[str, ...]]:
    """Return what each weigher gives each host, and what is not known."""
    from nova.scheduler.weights import HostWeightHandler

    handler = HostWeightHandler()
    found: list[list[Share]] = [[] for _ in states]
    not_known = []
    places = {id(state): number for number, state in enumerate(states)}
    for weigher in sorted(weighers, key=lambda w: type(w).__name__):
        name = type(weigher).__name__
        for state in states:
            state.read.clear()
        weighed = handler.get_weighed_objects([weigher], states, spec)
        read = {field for state in states for field in state.read}
        multipliers = list(map(_multiplier_of(weigher), states))
        is_known = not read or not any(multipliers) or _is_idle(weigher)
        if not is_known:
            not_known.append(f'{name}: {", ".join(sorted(read))}')
        for each in weighed:
            number = places[id(each.obj)]
            added = float(each.weight) if is_known else None
            found[number].append(Share(name, multipliers[number], added))
    return found, tuple(not_known)


def _multiplier_of(weigher: Any) -> Any:
    from hypervisor_affinity.scheduler import adapters
    from hypervisor_affinity.scheduler.weights import HypervisorAffinityWeigher

    if not isinstance(weigher, HypervisorAffinityWeigher):
        return weigher.weight_multiplier
    # nova's is 1, since its weights come multiplied.
    policy = weigher.policy

    def multiplier(state: Any) -> float:
        found = adapters.read_host(state, policy).weight_multiplier
        return policy.weight_multiplier if found is None else found

    return multiplier


def _is_idle(weigher: Any) -> bool:
    """Tell whether a weigher has nothing to weigh, whatever it looks at."""
    from nova.scheduler.weights.metrics import MetricsWeigher

    return isinstance(weigher, MetricsWeigher) and not weigher.setting


def _settings(files: tuple[str, ...]) -> str:
    if files:
        return f'by {", ".join(files)}'
    return "by nova's defaults and the recommended settings (no --nova-conf)"

# SPDX-License-Identifier: Apache-2.0
"""Playing a scenario, step by step, with one scheduler."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable
from typing import Any

from oslo_config import cfg

from hypervisor_affinity.cloud.adapters import INVENTORIES
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import preference
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.compute_service import ComputeService
from hypervisor_affinity.operations.offers import hypervisor_of
from hypervisor_affinity.simulation import actions
from hypervisor_affinity.simulation import resident as residents
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.nova_objects import Ask
from hypervisor_affinity.simulation.outcome import Anywhere
from hypervisor_affinity.simulation.outcome import Outcome
from hypervisor_affinity.simulation.outcome import Refusal
from hypervisor_affinity.simulation.outcome import Request
from hypervisor_affinity.simulation.outcome import Run
from hypervisor_affinity.simulation.outcome import Status
from hypervisor_affinity.simulation.outcome import Usage
from hypervisor_affinity.simulation.resident import Resident
from hypervisor_affinity.simulation.scenario import ScenarioError
from hypervisor_affinity.simulation.scheduler import Scheduler
from hypervisor_affinity.simulation.world import Node
from hypervisor_affinity.simulation.world import World

# More of them would not be seen in a plot, and each costs a look at all hosts.
_MOMENTS = 400


class Player:
    """Plays a scenario with one scheduler."""

    def __init__(
        self,
        world: World,
        scheduler: Scheduler,
        progress: Callable[[int], Any] = lambda done: None,
    ) -> None:
        """Begin with nothing done.

        :param progress: called with the number of requests so far
        """
        self._world = world
        self._scheduler = scheduler
        self._progress = progress
        self._every = 1
        self._outcomes: list[Outcome] = []
        self._usage: list[Usage] = []
        self._offers: dict[tuple, HostOffer] = {}
        self._step = ''

    def play(self, name: str, steps: Iterable[scenario.Step]) -> Run:
        """Return what came of it.

        :param name: of the scheduler
        :raises ScenarioError: if the scenario asks for what is not there
        """
        self._measure(ends_step=False)
        for step in steps:
            self._step = step.title
            for action in step.do:
                self._do(action)
            self._measure(ends_step=True)
        return Run(name, self._outcomes, self._usage, self._scheduler.notes)

    def _do(self, action: scenario.Action) -> None:
        actions.apply(self._world, action)
        if action.set_options is not None:
            self._scheduler.set_options(action.set_options)
        # What hosts offer may have changed, or how it is read.
        self._offers.clear()
        if action.boot:
            self._boot(action.boot)
        elif action.drain:
            self._drain(action.drain)
        elif action.recreate:
            for node, resident in self._world.select(action.recreate):
                self._recreate(resident, node)

    def _boot(self, boot: scenario.Boot) -> None:
        image = None
        if boot.image is not None:
            image = self._world.image(boot.image)
        flavor = self._world.flavor(boot.flavor)
        refusal: Refusal | None = None
        left = boot.count
        while left:
            servers = [
                self._world.resident(image, flavor, boot.volume)
                for _ in range(min(left, boot.at_once))
            ]
            left -= len(servers)
            placed: list[Node] = []
            # Nothing happens between one refusal and the next request, but
            # the last one may be for fewer servers.
            if refusal is None or len(servers) < boot.at_once:
                placed, refusal = self._boot_at_once(servers)
            for server, node in itertools.zip_longest(servers, placed):
                self._note(Request.BOOT, server, None, node, refusal)

    def _boot_at_once(
        self, servers: list[Resident]
    ) -> tuple[list[Node], Refusal | None]:
        """Boot the servers of one request, or none of them."""
        placed: list[Node] = []
        for server in servers:
            node, refusal = self._place(server, at_once=len(servers))
            if node is None:
                for placed_one, at in zip(servers, placed, strict=False):
                    self._world.take(placed_one, at)
                    self._world.set_building(at, 0)
                return [], refusal
            self._world.put(server, node)
            self._world.set_building(node, node.building + 1)
            placed.append(node)
        for node in placed:
            self._world.set_building(node, 0)
        return placed, None

    def _drain(self, drain: scenario.Drain) -> None:
        nodes = self._world.at(drain)
        for node in nodes:
            self._world.disable(node)
        move = self._migrate if drain.by == Request.MIGRATE else self._recreate
        for node in nodes:
            for resident in list(node.residents.values()):
                move(resident, node)

    def _migrate(self, server: Resident, origin: Node) -> None:
        node, refusal = self._place(server, origin)
        if node is not None:
            self._world.take(server, origin)
            self._world.put(server, node)
        self._note(Request.MIGRATE, server, origin, node, refusal)

    def _recreate(self, old: Resident, origin: Node) -> None:
        try:
            image = self._image_now(old)
        except ScenarioError as error:
            gone = Refusal('nova-api', str(error))
            self._note(Request.RECREATE, old, origin, None, gone)
            return
        flavor = self._world.flavor_now(old.flavor)
        server = dataclasses.replace(
            self._world.resident(image, flavor, old.volume), name=old.name
        )
        node, refusal = self._place(server)
        if node is not None:
            self._world.put(server, node)
            # Only now: a server that cannot be made again is kept.
            self._world.take(old, origin)
        self._note(Request.RECREATE, server, origin, node, refusal)

    def _image_now(self, server: Resident) -> Image | None:
        """Return the image that a server would be made again from.

        :raises ScenarioError: if it is gone
        """
        image = server.image
        if image is None:
            return None
        try:
            return self._world.image_now(image)
        except ScenarioError:
            # A volume is copied without its image.
            if server.volume:
                return image
            raise

    def _place(
        self,
        server: Resident,
        origin: Node | None = None,
        at_once: int = 1,
    ) -> tuple[Node | None, Refusal | None]:
        """Ask for a host.

        :param origin: the host that it is to leave as it is; None for a boot
        """
        ask = Ask(
            server.image, server.flavor, server.volume, server.id, at_once
        )
        if origin is not None:
            ask = dataclasses.replace(ask, underneath=self._underneath(origin))
        try:
            return self._scheduler.place(ask)
        except (ScenarioError, cfg.Error, RecursionError):
            # Of an option, which nova may read as late as here; one that
            # refers to itself has no end.
            raise
        except Exception as error:
            why = judging.evidence(f'server {server.name}', error)
            return None, Refusal('simulation', why)

    def _note(
        self,
        action: Request,
        server: Resident,
        origin: Node | None,
        node: Node | None,
        refusal: Refusal | None,
    ) -> None:
        demand = self._demand(server)
        policy = self._scheduler.policy
        self._outcomes.append(
            Outcome(
                step=self._step,
                action=action,
                server=server.name,
                image=server.title,
                flavor=server.flavor.name,
                belongs=_belongs(demand, policy),
                origin=origin.name if origin else None,
                host=node.name if node else None,
                hypervisor=self._hypervisor(node) if node else None,
                misfit=self._misfit(server, origin, node, action)
                if node
                else None,
                refusal=refusal,
            )
        )
        done = len(self._outcomes)
        self._progress(done)
        if done % self._every == 0:
            self._measure(ends_step=False)
            self._thin_out()

    def _demand(self, server: Resident, **circumstances: Any) -> Demand:
        return classify(
            residents.properties(server.image, server.volume),
            server.flavor.extra_specs,
            self._scheduler.policy,
            volume=server.volume,
            **circumstances,
        )

    def _misfit(
        self,
        server: Resident,
        origin: Node | None,
        node: Node,
        action: Request,
    ) -> str | None:
        # As for a rebuild there: whether the host can run it at all, and not
        # whether it was welcome.
        left = origin if action == Request.MIGRATE else None
        demand = self._demand(
            server,
            underneath=self._underneath(left) if left else None,
            rebuild=True,
        )
        verdict = judge(demand, self._offer(node), self._scheduler.policy)
        return None if verdict.passes else verdict.reason.value

    def _hypervisor(self, node: Node) -> str:
        return hypervisor_of(self._offer(node))

    def _offer(self, node: Node) -> HostOffer:
        key = (
            node.aggregates,
            node.record.hypervisor_type,
            node.record.supported,
        )
        if key not in self._offers:
            self._offers[key] = self._world.offer(node, self._scheduler.policy)
        return self._offers[key]

    def _underneath(self, node: Node) -> frozenset[Family]:
        return self._world.offer(node, Policy()).underneath

    def _thin_out(self) -> None:
        """Forget every other moment, once there are many."""
        moments = {usage.done for usage in self._usage}
        if len(moments) > _MOMENTS:
            self._every *= 2
            self._usage = [
                usage
                for usage in self._usage
                if usage.ends_step or usage.done % self._every == 0
            ]

    def _measure(self, ends_step: bool) -> None:
        nodes: dict[tuple[str, Status], list[Node]] = {}
        for node in self._world.nodes:
            place = self._hypervisor(node), _status(node)
            nodes.setdefault(place, []).append(node)
        for (name, status), members in nodes.items():
            figures: dict[str, Any] = {}
            for field in INVENTORIES.values():
                inventories = [
                    inventory
                    for node in members
                    if (inventory := getattr(node.record, field))
                ]
                figures[field] = sum(i.used for i in inventories)
                figures[f'{field}_limit'] = sum(i.limit for i in inventories)
            self._usage.append(
                Usage(
                    step=self._step,
                    done=len(self._outcomes),
                    ends_step=ends_step,
                    hypervisor=name,
                    status=status,
                    hosts=len(members),
                    servers=sum(len(node.residents) for node in members),
                    **figures,
                )
            )


def _status(node: Node) -> Status:
    service = ComputeService.from_record(node.record)
    if service.disabled_reason is not None:
        return Status.DISABLED
    return Status.ENABLED if service.is_up else Status.DOWN


def _belongs(demand: Demand, policy: Policy) -> str:
    """Name the hypervisor where a request belongs, for people.

    ==========================================  ===========================
    request                                     belongs on
    ==========================================  ===========================
    is refused everywhere                       ``nothing``
    can run on one in the order of preference   the first of these
    needs others                                these
    cannot run on some                          those known that are left,
                                                or ``nothing``
    can run on any                              ``any``
    ==========================================  ===========================
    """
    if demand.refusal is not None:
        return Anywhere.NOTHING
    if first := preference.first_choice(demand, policy):
        return hypervisor.title([first])
    if demand.required is not None:
        return hypervisor.title(demand.required)
    if not demand.impossible:
        return Anywhere.ANY
    # What ironic's nodes boot, which has no rows, nobody knows.
    known = {f for f, table in drivers.TABLES.items() if table.rows}
    return hypervisor.title(known - demand.impossible)

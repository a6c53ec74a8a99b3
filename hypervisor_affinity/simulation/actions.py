# SPDX-License-Identifier: Apache-2.0
"""The actions of a scenario that need no scheduler."""

from collections.abc import Iterator

from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.scenario import ScenarioError
from hypervisor_affinity.simulation.world import World


def rehearse(
    story: scenario.Scenario, cloud: scenario.Cloud, name: str
) -> None:
    """Check that all names in a scenario are those of something.

    :raises ScenarioError: naming the step and what is wrong
    """
    world = World(cloud, name)
    for step, action in _actions(story):
        try:
            apply(world, action)
            if action.boot:
                world.flavor(action.boot.flavor)
                if action.boot.image is not None:
                    world.image(action.boot.image)
            elif action.drain:
                world.at(action.drain)
            elif choice := action.recreate or action.delete:
                world.select(choice)
        except ScenarioError as error:
            raise ScenarioError(
                f'step {step.title!r}, {action.name}: {error}'
            ) from error


def apply(world: World, action: scenario.Action) -> None:
    """Do what needs no scheduler; do nothing of what needs one."""
    if action.add:
        world.add(action.add)
    elif action.delete:
        for node, resident in world.select(action.delete):
            world.take(resident, node)
    elif action.set_aggregate:
        world.set_aggregate(action.set_aggregate)
    elif action.set_hosts:
        world.set_hosts(action.set_hosts)
    elif action.set_image:
        world.set_image(action.set_image)


def _actions(
    story: scenario.Scenario,
) -> Iterator[tuple[scenario.Step, scenario.Action]]:
    for step in story.steps:
        for action in step.do:
            yield step, action

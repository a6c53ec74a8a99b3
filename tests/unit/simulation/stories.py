# SPDX-License-Identifier: Apache-2.0
"""Short scenarios about a cloud of both hypervisors."""

import msgspec

from hypervisor_affinity.simulation import processes
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.outcome import Run

STOCK = {
    'filter_scheduler': {
        'enabled_filters': [
            'ComputeFilter',
            'ComputeCapabilitiesFilter',
            'ImagePropertiesFilter',
            'AggregateImagePropertiesIsolation',
        ],
        'weight_classes': ['nova.scheduler.weights.all_weighers'],
    }
}

KVM = {
    'name': 'kvm',
    'count': 2,
    'aggregates': ['kvm'],
    'hypervisor_type': 'QEMU',
    'hypervisor_version': 8002000,
    'traits': ['COMPUTE_IMAGE_TYPE_QCOW2', 'COMPUTE_IMAGE_TYPE_ISO'],
    'vcpus': {'total': 16},
    'memory_mb': {'total': 16384},
    'disk_gb': {'total': 1000},
}
VCENTER = {
    'name': 'vcenter',
    'aggregates': ['vmware'],
    'hypervisor_type': 'VMware vCenter Server',
    'hypervisor_version': 8000003,
    'traits': ['COMPUTE_IMAGE_TYPE_VMDK', 'COMPUTE_IMAGE_TYPE_ISO'],
    'vcpus': {'total': 64, 'max_unit': 16},
    'memory_mb': {'total': 131072, 'max_unit': 16384},
    'disk_gb': {'total': 8000},
}
CLOUD = {
    'aggregates': [
        {'name': 'kvm', 'metadata': {'img_hv_type': 'kvm,qemu'}},
        {'name': 'vmware', 'metadata': {'img_hv_type': 'vmware'}},
    ],
    'hosts': [KVM, VCENTER],
    'flavors': [
        {'name': 'small', 'vcpus': 1, 'memory_mb': 1024, 'disk_gb': 10},
        {'name': 'large', 'vcpus': 8, 'memory_mb': 8192, 'disk_gb': 80},
        {'name': 'huge', 'vcpus': 32, 'memory_mb': 65536, 'disk_gb': 80},
    ],
    'images': [
        {'name': 'qcow2', 'disk_format': 'qcow2', 'container_format': 'bare'},
        {'name': 'vmdk', 'disk_format': 'vmdk', 'container_format': 'bare'},
        {'name': 'iso', 'disk_format': 'iso', 'container_format': 'bare'},
        {
            'name': 'wrong',
            'disk_format': 'qcow2',
            'container_format': 'bare',
            'properties': {'hypervisor_type': 'vmware'},
        },
    ],
}


def document(*actions, **fields):
    """Return a scenario of one step for each action, as a file has it."""
    return {
        'format': scenario.FORMAT,
        'version': scenario.VERSION,
        'cloud': CLOUD,
        'steps': [
            {'title': f'step {number}', 'do': [action]}
            for number, action in enumerate(actions, 1)
        ],
        **fields,
    }


def setting(*actions, exact=False, **fields) -> processes.Setting:
    """Return what is to be played."""
    story = msgspec.convert(document(*actions, **fields), scenario.Scenario)
    return processes.Setting('the story', story, story.cloud, exact=exact)


def play(*actions, options=None, **fields) -> Run:
    """Return what comes of it in this process."""
    return processes.play(setting(*actions, **fields), 'nova', options or {})


def boot(image, flavor='small', count=1, **fields):
    """Return an action."""
    return {
        'boot': {'image': image, 'flavor': flavor, 'count': count, **fields}
    }


def hypervisors(run: Run) -> list[str | None]:
    """Return where each request went; None for a refusal."""
    return [outcome.hypervisor for outcome in run.outcomes]

# SPDX-License-Identifier: Apache-2.0

import pytest

from hypervisor_affinity.cli import page
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.core.policy import Policy
from tests import explanations
from tests import installed
from tests.cloud_of_records import kvm
from tests.cloud_of_records import vcenter
from tests.functional.page.browsers import HOSTILE
from tests.functional.page.browsers import PROGRAMS
from tests.functional.page.browsers import Browser


@pytest.fixture(scope='module')
def chromium():
    """Return a function that starts one."""
    installed.skip_without(*PROGRAMS)
    browsers = []

    def start(**arguments):
        browsers.append(Browser(**arguments))
        return browsers[-1]

    yield start
    for browser in browsers:
        browser.driver.quit()


@pytest.fixture(scope='module')
def shared_browser(chromium):
    return chromium()


@pytest.fixture
def browser(shared_browser):
    """A browser in which no page may complain."""
    shared_browser.prefer('light')
    yield shared_browser
    assert shared_browser.driver.get_log('browser') == []


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    """Return a function that writes a page."""
    folder = tmp_path_factory.mktemp('pages')

    def write(name, explanation):
        path = folder / f'{name}.html'
        page.write(
            path,
            explanation,
            Policy(),
            taken_from='https://cloud.example.org:5000/v3',
            taken_at='2026-11-22T17:30:00+00:00',
        )
        return path

    return write


@pytest.fixture(scope='module')
def large():
    """5,000 hosts."""
    return explanations.of_cloud(50)


@pytest.fixture(scope='module')
def large_page(written, large):
    return written('large', large)


@pytest.fixture(scope='module')
def small_page(written):
    """One host that would do, and five that fail in different checks."""
    hosts = [
        vcenter('vc-1'),
        vcenter('vc-2', state='down'),
        vcenter('vc-3', status='disabled', disabled_reason='ticket 4711'),
        vcenter('vc-4', memory_mb=None),
        kvm('kvm-1'),
        kvm('kvm-2'),
    ]
    aggregates = [
        Aggregate('rack-7', '', {}, ('vc-1', 'kvm-1')),
        Aggregate('rented', '', {'filter_tenant_id': 'p'}, ('vc-1',)),
    ]
    return written(
        'small',
        explanations.of_boot(
            hosts,
            aggregates,
            extra_specs={'hypervisor_affinity:x': '1'},
            project='p',
        ),
    )


@pytest.fixture(scope='module')
def uncertain_page(written):
    """A host that would do for sure, one as far as is known, one not."""
    return written(
        'uncertain',
        explanations.of_boot(
            [kvm('kvm-1', supported=('kvm',)), kvm('kvm-2'), vcenter('vc-1')],
            image={'disk_format': 'iso', 'hypervisor_type': 'kvm'},
        ),
    )


@pytest.fixture(scope='module')
def hostile_page(written):
    return written(
        'hostile',
        explanations.of_boot(
            [kvm(HOSTILE, node=f'node {HOSTILE}'), kvm('k' * 255)],
            [Aggregate(HOSTILE, '', {'hypervisor_type': HOSTILE}, (HOSTILE,))],
            {'disk_format': 'vmdk', 'hypervisor_type': HOSTILE},
            {'hypervisor_affinity:hypervisor_type': HOSTILE},
            title=HOSTILE,
        ),
    )

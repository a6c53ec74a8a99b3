# SPDX-License-Identifier: Apache-2.0
"""The page of ``explain --html`` in the browser that it is made for."""

import json
import os
import shutil

import pytest

from hypervisor_affinity.cli import page
from hypervisor_affinity.cloud.snapshot import Aggregate
from testbed.processes import polling
from tests import explanations
from tests import installed
from tests.cloud_of_records import kvm
from tests.cloud_of_records import vcenter

webdriver = pytest.importorskip('selenium.webdriver')

PROGRAMS = ('chromium', 'chromedriver')
DESKTOP = (1280, 900)
PHONE = (390, 844)

HOSTILE = (
    '</script><script>window.executed=1</script>'
    '<img src="http://127.0.0.1:9/x" onerror="window.executed=1">'
    '"\'><svg onload=window.executed=1>'
)

# Names of the hosts whose rows are drawn, in order.
VISIBLE = """
    return [...document.querySelectorAll('tbody tr')]
        .filter((row) => row.getClientRects().length)
        .map((row) => row.cells[0].firstChild.data.trim());
"""

# WCAG's contrast of each text with what is behind it, if it is below 4.5.
FAINT = """
    const channels = (color) => color.match(/[\\d.]+/g).map(Number);
    const luminance = (color) => channels(color).slice(0, 3)
        .map((value) => value / 255)
        .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => {
        const color = getComputedStyle(element).backgroundColor;
        if (channels(color)[3] !== 0) return color;
        const parent = element.parentElement;
        return parent ? behind(parent) : 'rgb(255, 255, 255)';
    };
    return [...document.body.querySelectorAll('*')]
        .filter((element) => element.getClientRects().length)
        .filter((element) => [...element.childNodes].some(
            (node) => node.nodeType === Node.TEXT_NODE && node.data.trim()))
        .map((element) => {
            const color = getComputedStyle(element).color;
            const [low, high] = [color, behind(element)].map(luminance)
                .sort((a, b) => a - b);
            return [(high + 0.05) / (low + 0.05), element.outerHTML];
        })
        .filter(([contrast]) => contrast < 4.5);
"""


class Browser:
    """Chromium with one window.

    * ``driver``: selenium's
    """

    def __init__(self, *, script=True):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which('chromium')
        options.add_argument('--headless=new')
        if os.geteuid() == 0:
            options.add_argument('--no-sandbox')
        # Containers often have little of /dev/shm.
        options.add_argument('--disable-dev-shm-usage')
        if not script:
            setting = 'profile.managed_default_content_settings.javascript'
            options.add_experimental_option('prefs', {setting: 2})
        options.set_capability(
            'goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'}
        )
        service = webdriver.ChromeService(shutil.which('chromedriver'))
        self.driver = webdriver.Chrome(options, service)

    def open(self, path, fragment='', size=DESKTOP):
        width, height = size
        self.command(
            'Emulation.setDeviceMetricsOverride',
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=size is PHONE,
        )
        # From another page, so that a new fragment loads the page again.
        self.driver.get('about:blank')
        self.requests()
        self.driver.get(f'{path.as_uri()}{fragment}')

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def prefer(self, scheme, media='screen'):
        self.command(
            'Emulation.setEmulatedMedia',
            media=media,
            features=[{'name': 'prefers-color-scheme', 'value': scheme}],
        )

    def run(self, script):
        return self.driver.execute_script(script)

    def find(self, selector):
        return self.driver.find_element('css selector', selector)

    def reason(self, name):
        return self.find(f'button[value="{name}"]')

    def visible(self):
        return self.run(VISIBLE)

    def shown(self):
        return self.find('output').text

    def focused(self):
        return self.driver.switch_to.active_element

    def press(self, *keys):
        self.focused().send_keys(*keys)

    def requests(self):
        """Return the addresses asked for since the last call."""
        messages = [
            json.loads(entry['message'])['message']
            for entry in self.driver.get_log('performance')
        ]
        return [
            message['params']['request']['url']
            for message in messages
            if message['method'] == 'Network.requestWillBeSent'
        ]

    def roles(self):
        """Return {role: names} as assistive technology is told them."""
        found = {}
        for node in self.command('Accessibility.getFullAXTree')['nodes']:
            if not node['ignored']:
                name = node.get('name', {}).get('value', '')
                found.setdefault(node['role']['value'], []).append(name)
        return found


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


def names(explanation, matches=lambda found: True):
    return [
        found.host.name
        for group in explanation.groups()
        for found in group.hosts
        if matches(found)
    ]


def test_all_hosts_are_there(browser, large, large_page):
    browser.open(large_page)
    assert browser.visible() == names(large)
    assert browser.shown() == '5,000 of 5,000 hosts'
    assert browser.find('.result').text == '1,200 of 5,000 hosts could take it'


@pytest.mark.parametrize(
    ('words', 'matches'),
    [
        ('vcenter-4901', lambda found: found.host.name == 'vcenter-4901'),
        ('RACK-7', lambda found: 'rack-7' in found.aggregates),
        ('no_room', lambda found: 'no_room' in reasons(found)),
        ('ticket 4711', lambda found: found.host.disabled_reason),
        ('down vcenter-00', lambda found: is_down_in_00(found.host)),
        ('no such thing', lambda found: False),
    ],
)
def test_search(browser, large, large_page, words, matches):
    browser.open(large_page)
    browser.find('input').send_keys(words)
    expected = names(large, matches)
    assert browser.visible() == expected
    assert browser.shown() == f'{len(expected)} of 5,000 hosts'


def reasons(found):
    return {answer.reason for answer in found.answers}


def is_down_in_00(host):
    return host.state == 'down' and host.name.startswith('vcenter-00')


def test_reasons_are_buttons(browser, large, large_page):
    def of(*wanted):
        return names(large, lambda found: found.decisive.reason in wanted)

    browser.open(large_page)
    button = browser.reason('room.no_room')
    button.click()
    assert button.get_attribute('aria-pressed') == 'true'
    assert browser.visible() == of('no_room')
    assert browser.shown() == '300 of 5,000 hosts'
    browser.reason('service.service_down').click()
    assert browser.visible() == of('no_room', 'service_down')
    browser.find('input').send_keys('vcenter-00')
    assert browser.shown() == '8 of 5,000 hosts'
    button.click()
    assert button.get_attribute('aria-pressed') == 'false'
    assert browser.shown() == '2 of 5,000 hosts'


def test_keys(browser, large_page):
    browser.open(large_page)
    search = browser.find('input')
    browser.reason('room.no_room').click()
    browser.press('/')
    assert browser.focused() == search
    browser.press('vc/')
    # The second time it is what was searched for.
    assert search.get_attribute('value') == 'vc/'
    browser.press(webdriver.Keys.ESCAPE)
    assert search.get_attribute('value') == ''
    assert browser.shown() == '5,000 of 5,000 hosts'


def test_an_address_keeps_what_was_searched_for(browser, small_page):
    browser.open(small_page)
    browser.reason('hypervisor.other_hypervisor').click()
    browser.find('input').send_keys('rack-7')
    fragment = '#search=rack-7&reason=hypervisor.other_hypervisor'
    polling.until(
        lambda: browser.run('return location.hash') == fragment, fragment
    )
    browser.open(small_page, fragment)
    assert browser.visible() == ['kvm-1']
    browser.run("location.hash = '#search=vc-2'")
    polling.until(lambda: browser.visible() == ['vc-2'], 'vc-2 alone')


def test_evidence(browser, small_page):
    browser.open(small_page, '#search=vc-3')
    cell = browser.find('tr:not([hidden]) .fail')
    closed = 'service_disabled'
    opened = f'{closed}\nnova-compute disabled=ticket 4711'
    assert cell.text == closed
    browser.find('tr:not([hidden]) .fail summary').click()
    assert cell.text == opened
    browser.press(webdriver.Keys.ENTER)
    assert cell.text == closed
    browser.find('#evidence').click()
    assert cell.text == opened
    browser.find('#evidence').click()
    assert cell.text == closed


def test_what_is_not_known(browser, uncertain_page):
    browser.open(uncertain_page)
    assert browser.find('.result').text == (
        '2 of 3 hosts could take it, 1 of them as far as is known'
    )
    browser.reason('hypervisor.suitable.as_far_as_known').click()
    assert browser.visible() == ['kvm-2']
    browser.find('tr:not([hidden]) .open summary').click()
    assert browser.find('tr:not([hidden]) .open').text == (
        'suitable\nnot known: image hypervisor_type=kvm: '
        'whether the driver supports kvm'
    )
    browser.find('input').send_keys('not known')
    browser.reason('hypervisor.suitable.as_far_as_known').click()
    assert browser.visible() == ['kvm-2']
    # The mark that tells it apart without colour.
    mark = "getComputedStyle(arguments[0], '::before').content"
    summary = browser.find('.open summary')
    assert browser.driver.execute_script(f'return {mark}', summary) == (
        '"?\u2002"'
    )


def test_nothing_of_what_others_named_runs(browser, hostile_page):
    browser.open(hostile_page, f'#search={HOSTILE}')
    browser.find('#evidence').click()
    assert browser.visible() == [HOSTILE, 'k' * 255]
    assert browser.run('return window.executed') is None
    assert (
        browser.run("return document.querySelector('img, [onload]')") is None
    )
    assert browser.find('h1').text == HOSTILE


def test_what_others_would_add_could_not_run(browser, small_page):
    browser.open(small_page)
    browser.run(
        """
        document.body.insertAdjacentHTML('beforeend', '<img src=x>');
        document.body.append(Object.assign(
            document.createElement('script'), {text: 'window.executed=1'}));
        """
    )
    assert browser.run('return window.executed') is None
    refused = [entry['message'] for entry in browser.driver.get_log('browser')]
    assert len(refused) == 2
    assert all('Content Security Policy' in message for message in refused)


def test_nothing_is_asked_for(browser, hostile_page):
    browser.open(hostile_page)
    assert browser.requests() == [hostile_page.as_uri()]
    entries = "return performance.getEntriesByType('resource').length"
    assert browser.run(entries) == 0


@pytest.mark.parametrize('size', [DESKTOP, PHONE])
def test_what_is_read_out(browser, small_page, size):
    browser.open(small_page, size=size)
    roles = browser.roles()
    assert roles['columnheader'] == [
        'host',
        'hypervisor',
        'image_properties',
        'capabilities',
        'project',
        'service',
        'traits',
        'room',
    ]
    assert [name.split()[0] for name in roles['rowheader']] == [
        'vc-1',
        'kvm-1',
        'kvm-2',
        'vc-2',
        'vc-3',
        'vc-4',
    ]
    assert len(roles['row']) == 7
    assert len(roles['cell']) == 42
    assert roles['searchbox'] == ['Search hosts']
    assert roles['status'] == ['']
    assert roles['table'] == [
        'What each check says of each host; + tells what that rests on, '
        '? marks what is suitable as far as is known'
    ]
    assert all(roles['button'])


@pytest.mark.parametrize(
    ('scheme', 'media'),
    [('light', 'screen'), ('dark', 'screen'), ('dark', 'print')],
)
@pytest.mark.parametrize('size', [DESKTOP, PHONE])
@pytest.mark.parametrize('name', ['small_page', 'uncertain_page'])
def test_all_text_can_be_read(browser, name, size, scheme, media, request):
    browser.open(request.getfixturevalue(name), size=size)
    browser.find('#evidence').click()
    browser.prefer(scheme, media)
    assert browser.run(FAINT) == []


def test_what_is_dark(browser, small_page):
    colour = 'return getComputedStyle(document.body).backgroundColor'
    browser.open(small_page)
    light = browser.run(colour)
    browser.prefer('dark')
    assert browser.run(colour) != light
    browser.prefer('dark', 'print')
    assert browser.run(colour) == light


@pytest.mark.parametrize(
    'name', ['small_page', 'uncertain_page', 'hostile_page']
)
def test_a_narrow_window_is_wide_enough(browser, name, request):
    browser.open(request.getfixturevalue(name), size=PHONE)
    browser.find('#evidence').click()
    assert browser.run('return document.documentElement.scrollWidth') == 390


def test_the_headings_stay_in_sight(browser, large_page):
    browser.open(large_page)
    browser.run('scrollTo(0, 50000)')
    top = 'return document.querySelector("thead").getBoundingClientRect().top'
    bar = "return document.querySelector('.bar').offsetHeight"
    assert browser.run(top) == browser.run(bar)


def test_without_script(chromium, small_page):
    browser = chromium(script=False)
    browser.open(small_page)
    assert len(browser.visible()) == 6
    assert not browser.find('input').is_displayed()
    assert not browser.reason('service.service_down').is_enabled()
    browser.find('tbody .fail summary').click()
    assert 'driver hypervisor_type=QEMU' in browser.find('tbody .fail').text
    assert browser.driver.get_log('browser') == []

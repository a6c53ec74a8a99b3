# SPDX-License-Identifier: Apache-2.0
"""How the page of ``explain --html`` looks in a browser."""

import pytest

from tests.functional.page.browsers import DESKTOP
from tests.functional.page.browsers import PHONE

pytest.importorskip('selenium.webdriver')

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
        'What each check says of each host; + shows the evidence, '
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

// SPDX-License-Identifier: Apache-2.0
'use strict';
const search = document.getElementById('search');
const shown = document.getElementById('shown');
const evidence = document.getElementById('evidence');
const buttons = [...document.querySelectorAll('.groups button')];
const groups = [...document.querySelectorAll('tbody')].map((body) => ({
  body,
  rows: [...body.rows].map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
  })),
}));
const total = document.querySelectorAll('tbody tr').length;
const number = new Intl.NumberFormat('en');
let waiting;

const isPressed = (button) => button.getAttribute('aria-pressed') === 'true';
const press = (button, on) => button.setAttribute('aria-pressed', on);
const chosen = () => buttons.filter(isPressed).map((button) => button.value);

function filter() {
  const words = search.value.toLowerCase().split(/\s+/);
  const reasons = chosen();
  let count = 0;
  for (const { body, rows } of groups) {
    body.hidden = reasons.length > 0 && !reasons.includes(body.dataset.reason);
    if (body.hidden) continue;
    for (const { row, text } of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) count += 1;
    }
  }
  shown.value = `${number.format(count)} of ${number.format(total)} hosts`;
}

// What is shown can be handed on as a link.
function remember() {
  const state = new URLSearchParams();
  if (search.value) state.append('search', search.value);
  for (const reason of chosen()) state.append('reason', reason);
  history.replaceState(null, '', `#${state}`);
}

function recall() {
  const state = new URLSearchParams(location.hash.slice(1));
  search.value = state.get('search') ?? '';
  for (const button of buttons) {
    press(button, state.getAll('reason').includes(button.value));
  }
  filter();
}

function update() {
  filter();
  // Browsers refuse an address that changes with every key.
  clearTimeout(waiting);
  waiting = setTimeout(remember, 300);
}

search.addEventListener('input', update);
for (const button of buttons) {
  button.disabled = false;
  button.addEventListener('click', () => {
    press(button, !isPressed(button));
    update();
  });
}
evidence.addEventListener('click', () => {
  press(evidence, !isPressed(evidence));
  for (const details of document.querySelectorAll('details')) {
    details.open = isPressed(evidence);
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key === '/' && event.target !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === 'Escape') {
    search.value = '';
    for (const button of buttons) press(button, false);
    update();
  }
});
addEventListener('hashchange', recall);
document.querySelector('.bar').hidden = false;
recall();

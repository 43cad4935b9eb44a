// The list of log records, those that came last first, and the whole of the selected one.

import { el } from './dom.js';
import { logDetails, logRecord } from './details.js';
import { clock, plural } from './format.js';
import { Rows } from './rows.js';

const LIMIT = 2000; // rows asked for

export class Logs {
  constructor(app) {
    Object.assign(this, { app, tab: 'logs', title: 'Logs' });
    this.placeholder = 'Search logs: words, key=value, severity=warn';
    this.summary = el('p', { class: 'summary' });
    this.rows = new Rows({
      name: 'logs',
      label: 'Log records, the last received first',
      height: 30,
      key: (record) => record.number,
      render: (record) => logRecord(record, clock(record.time)),
      onSelect: (record) => this.show(record),
      onOpen: (record) => record.trace !== '' && app.go(`#/trace/${record.trace}?span=${record.span}`),
    });
    this.aside = el('aside', { class: 'details', 'aria-label': 'Selected log record', tabindex: 0 });
    this.empty = el('div', { class: 'empty' });
    this.element = el('section', { class: 'list logs without-span', 'aria-label': 'Logs' }, this.summary,
      el('div', { class: 'beside' }, this.rows.element, this.aside), this.empty);
  }

  async refresh() {
    const search = this.app.query();
    const { logs, more, origins } = await this.app.get('/api/logs', { search, limit: LIMIT });
    if (search !== this.app.query()) return; // somebody typed on
    for (const record of logs) record.from = origins[record.origin];
    number(logs);
    this.rows.set(logs);
    this.summary.textContent = `${more ? 'The newest ' : ''}${plural(logs.length, 'log record')}${search === '' ? '' : ' with that'}`;
    this.element.classList.toggle('nothing', logs.length === 0);
    this.empty.replaceChildren(el('p', {}, search === '' ? 'No log records yet.' : 'No log record matches. Esc clears the search.'));
    if (search !== '') this.app.say(this.summary.textContent);
  }

  search() {
    return this.refresh();
  }

  show(record) {
    this.element.classList.toggle('without-span', record === undefined);
    this.aside.replaceChildren(...(record === undefined ? [] : logDetails(record)));
  }

  keydown(event) {
    return this.rows.keydown(event);
  }

  focus() {
    this.rows.element.focus({ preventScroll: true });
  }
}

// Log records have no id: one is told from others by what it says, and from its like by how many of these are older.
function number(logs) {
  const alike = new Map();
  for (const record of logs.toReversed()) {
    const text = JSON.stringify([record.time, record.trace, record.span, record.body, record.from.service]);
    const older = alike.get(text) ?? 0;
    alike.set(text, older + 1);
    record.number = `${older} ${text}`;
  }
}

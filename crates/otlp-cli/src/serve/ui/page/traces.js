// The list of traces, newest first.

import { el, serviceTag } from './dom.js';
import { clock, count, duration, exactTime, plural } from './format.js';
import { Rows } from './rows.js';

const LIMIT = 5000; // rows asked for
const TAGS = 3; // other services shown in a row

export class Traces {
  constructor(app) {
    this.app = app;
    this.tab = 'traces';
    this.title = 'Traces';
    this.placeholder = 'Search traces: words, key=value, status=error';
    this.summary = el('p', { class: 'summary' });
    this.longest = 1;
    this.rows = new Rows({
      name: 'traces',
      label: 'Traces, newest first',
      height: 36,
      key: (trace) => trace.id,
      render: (trace) => this.render(trace),
      onOpen: (trace) => app.go(`#/trace/${trace.id}`),
      opensByClick: true,
    });
    const head = el('div', { class: 'head traces-columns', 'aria-hidden': 'true' },
      ...['Started', 'Trace', 'Also in', 'Spans', 'Duration'].map((text) => el('span', {}, text)));
    this.empty = el('div', { class: 'empty' });
    this.element = el('section', { class: 'list', 'aria-label': 'Traces' }, this.summary, head, this.rows.element, this.empty);
  }

  async refresh() {
    const search = this.app.query();
    const { traces, more } = await this.app.get('/api/traces', { search, limit: LIMIT });
    if (search !== this.app.query()) return; // somebody typed on
    for (const trace of traces) trace.nanos = Number(trace.duration);
    this.longest = traces.reduce((longest, trace) => Math.max(longest, trace.nanos), 1);
    this.rows.set(traces);
    this.summary.textContent = `${more ? 'The newest ' : ''}${plural(traces.length, 'trace')}${search === '' ? '' : ' with that'}`;
    this.element.classList.toggle('nothing', traces.length === 0);
    this.empty.replaceChildren(...(search === '' ? welcome() : [el('p', {}, 'No trace matches. Esc clears the search.')]));
    if (search !== '') this.app.say(this.summary.textContent);
  }

  search() {
    return this.refresh();
  }

  render(trace) {
    const bar = el('i', { class: `share ${trace.errors > 0 ? 'bad' : ''}`, 'aria-hidden': 'true' });
    bar.style.width = `${Math.max(1, (trace.nanos / this.longest) * 100)}%`;
    const more = trace.others.length - TAGS;
    return [
      el('span', { class: 'time', title: exactTime(trace.start) }, clock(trace.start)),
      el('span', { class: 'name' }, serviceTag(trace.service), ' ', el('b', {}, trace.name || '(no name)'),
        trace.errors > 0 ? el('span', { class: 'badge bad' }, plural(trace.errors, 'error')) : null),
      el('span', { class: 'services' }, ...trace.others.slice(0, TAGS).map(serviceTag), more > 0 ? `+${more}` : null),
      el('span', { class: 'number' }, count(trace.spans)),
      el('span', { class: 'duration' }, el('span', { class: 'track' }, bar), el('span', { class: 'number' }, duration(trace.nanos))),
    ];
  }

  keydown(event) {
    return this.rows.keydown(event);
  }

  focus() {
    this.rows.element.focus({ preventScroll: true });
  }
}

function welcome() {
  return [
    el('h2', {}, 'No traces yet'),
    el('p', {}, 'Point an application here (with gRPC at port 4317), and they appear by themselves:'),
    el('pre', {}, 'OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318'),
  ];
}

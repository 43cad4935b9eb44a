// One trace: the waterfall of its spans, what there is to know of the selected one, and the log records of the trace.

import { el, serviceTag, colour } from './dom.js';
import { logRecord, spanDetails } from './details.js';
import { between, clock, duration, exactTime, plural, words } from './format.js';
import { Rows } from './rows.js';
import { arrange, unfolded } from './tree.js';

const DEEPEST = 20; // levels that are indented: a deeper one would leave no room for the name
const TICKS = [0, 0.25, 0.5, 0.75, 1];
const ID = /^[0-9a-f]{32}$/i;
const NOTHING = { state: '', spans: [], logs: [], origins: [] };

export class Trace {
  constructor(app, id) {
    Object.assign(this, { app, id, tab: 'traces', title: 'Trace' });
    this.placeholder = 'Search in this trace';
    this.known = ''; // which state of the trace is shown
    this.folded = new Set();
    this.spans = [];
    this.logs = [];
    this.rows = new Rows({
      name: 'spans',
      label: 'Spans',
      role: 'tree',
      rowRole: 'treeitem',
      height: 28,
      key: (span) => span.key,
      render: (span) => this.render(span),
      attributes: (span) => ({
        'aria-level': span.depth + 1,
        'aria-expanded': span.size > 0 ? String(!this.folded.has(span.key)) : undefined,
        'aria-label': `${span.name}, ${span.from.service}, ${duration(span.nanos)}${span.status.code === 'error' ? ', error' : ''}`,
      }),
      onSelect: () => this.showSpan(),
      onOpen: (span) => this.fold(span),
    });
    this.records = new Rows({
      name: 'records',
      label: 'Log records of this trace',
      height: 26,
      key: (record) => record.key,
      render: (record) => logRecord(record, `+${duration(between(this.start, record.time))}`),
      onSelect: (record) => this.selectSpan(record?.span),
    });
    this.heading = el('div', { class: 'trace-head' });
    this.axis = el('div', { class: 'axis', 'aria-hidden': 'true' });
    this.aside = el('aside', { class: 'details', 'aria-label': 'Selected span', tabindex: 0 });
    this.logHead = el('h2', {});
    this.logBox = el('section', { class: 'trace-logs', 'aria-label': 'Logs of this trace', hidden: true }, this.logHead, this.records.element);
    this.element = el('section', { class: 'trace', 'aria-label': 'Trace' }, this.heading,
      el('div', { class: 'trace-body' },
        el('div', { class: 'trace-left' },
          el('div', { class: 'waterfall' }, el('div', { class: 'head' }, el('span', {}, 'Span'), this.axis), this.rows.element),
          this.logBox),
        this.aside));
    this.rows.element.addEventListener('click', (event) => {
      const button = event.target.closest('.fold');
      if (button !== null) this.fold(this.spans.find((span) => span.key === button.dataset.key));
    });
  }

  arrive(parameters) {
    this.wanted = parameters.get('span') ?? undefined;
    if (this.wanted !== undefined) this.selectSpan(this.wanted);
  }

  async refresh() {
    const answer = ID.test(this.id) ? await this.app.get(`/api/traces/${this.id}`, { known: this.known }) : NOTHING;
    if (answer.unchanged) return;
    this.known = answer.state;
    this.lay(answer);
    this.logs = answer.logs.map((record, index) => ({ ...record, key: index, from: answer.origins[record.origin] }));
    this.logBox.hidden = this.logs.length === 0;
    this.logHead.textContent = plural(this.logs.length, 'log record');
    this.records.set(this.logs);
    this.mark();
    this.drawHead();
    this.update();
    if (this.wanted !== undefined) this.selectSpan(this.wanted);
    else if (this.rows.selected < 0) this.rows.select(0);
    this.wanted = undefined;
    this.showSpan();
  }

  // Times relative to the beginning of the trace, as numbers, and the order of the spans.
  lay({ spans, logs, origins }) {
    const times = spans.length > 0 ? spans.map((span) => span.start) : logs.map((record) => record.time);
    this.start = times.reduce((least, time) => (between(least, time) < 0 ? time : least), times[0] ?? '0');
    const alike = new Map(); // ids should differ, and may not
    spans.forEach((span) => {
      const earlier = alike.get(span.id) ?? 0;
      alike.set(span.id, earlier + 1);
      span.key = `${span.id}/${earlier}`;
      span.from = origins[span.origin];
      span.begin = between(this.start, span.start);
      span.nanos = Math.max(0, between(span.start, span.end));
      span.until = span.begin + span.nanos;
    });
    this.spans = arrange(spans);
    this.nanos = Math.max(1, this.spans.reduce((end, span) => Math.max(end, span.until), 0));
    this.window ??= null; // what is zoomed to
  }

  drawHead() {
    const root = this.spans[0];
    const services = [...new Set(this.spans.map((span) => span.from.service))];
    const errors = this.spans.filter((span) => span.status.code === 'error').length;
    this.title = root?.name ?? 'Trace';
    this.heading.replaceChildren(
      el('a', { class: 'back', href: '#/traces', 'aria-label': 'Back to all traces', on: { click: (event) => { event.preventDefault(); this.leave(); } } }, '‹ Traces'),
      el('h1', {}, root === undefined ? this.nothing() : root.name || '(no name)'),
      ...(root === undefined ? [] : [
        el('span', { class: 'fact' }, duration(this.nanos)),
        el('span', { class: 'fact' }, plural(this.spans.length, 'span')),
        errors > 0 ? el('span', { class: 'badge bad' }, plural(errors, 'error')) : '',
        el('span', { class: 'fact', title: exactTime(this.start) }, clock(this.start)),
      ]),
      el('code', { class: 'fact id' }, this.id),
      el('span', { class: 'services' }, ...services.slice(0, 8).map(serviceTag), services.length > 8 ? `+${services.length - 8}` : ''));
  }

  nothing() {
    if (!ID.test(this.id)) return 'This is no trace id: one has 32 hexadecimal digits';
    return this.logs.length > 0 ? 'No span of this trace has arrived' : 'Nothing of this trace has arrived';
  }

  update() {
    const [from, to] = this.range();
    this.axis.replaceChildren(...TICKS.map((share) => {
      const tick = el('span', {}, duration(from + (to - from) * share));
      tick.style.left = `${share * 100}%`;
      return tick;
    }));
    this.axis.classList.toggle('zoomed', this.window !== null);
    this.rows.set(unfolded(this.spans, this.folded));
  }

  range() {
    return this.window ?? [0, this.nanos];
  }

  render(span) {
    const [from, to] = this.range();
    const room = (64 / Math.max(200, this.axis.clientWidth)) * 100; // for the label
    const place = (nanos) => Math.max(0, Math.min(100, ((nanos - from) / (to - from)) * 100));
    const bad = span.status.code === 'error';
    const name = el('span', { class: 'span-name' },
      span.size > 0
        ? el('button', { class: 'fold', type: 'button', tabindex: -1, 'aria-hidden': 'true', data: { key: span.key } }, this.folded.has(span.key) ? '▸' : '▾')
        : el('i', { class: 'leaf', 'aria-hidden': 'true' }),
      el('i', { class: `stripe ${colour(span.from.service)}`, 'aria-hidden': 'true' }),
      bad ? el('span', { class: 'mark bad', title: span.status.message || 'error' }, '!') : null,
      el('span', { class: 'text', title: span.name }, span.name || '(no name)'),
      el('span', { class: 'of' }, span.from.service),
      this.folded.has(span.key) ? el('span', { class: 'badge' }, `+${span.size}`) : null);
    name.style.setProperty('--depth', Math.min(span.depth, DEEPEST));
    const bar = el('i', { class: `bar ${colour(span.from.service)}${bad ? ' bad' : ''}` });
    bar.style.left = `${place(span.begin)}%`;
    bar.style.width = `${place(span.until) - place(span.begin)}%`;
    const dots = span.events.slice(0, 50).map((event) => {
      const dot = el('i', { class: 'event', title: event.name });
      dot.style.left = `${place(between(this.start, event.time))}%`;
      return dot;
    });
    // Beside the bar, on the side that has room.
    const label = el('span', { class: 'took' }, duration(span.nanos));
    if (place(span.until) < 100 - room) label.style.left = `calc(${place(span.until)}% + 6px)`;
    else if (place(span.begin) > room) label.style.right = `calc(${100 - place(span.begin)}% + 6px)`;
    else {
      label.classList.add('inside');
      label.style.right = `calc(${100 - place(span.until)}% + 4px)`;
    }
    const lane = el('span', { class: `lane${span.until < from || span.begin > to ? ' outside' : ''}` }, bar, ...dots, label);
    const cell = el('span', { class: span.matches === false ? 'span-row dim' : 'span-row' }, name, lane);
    return [cell];
  }

  fold(span, close = !this.folded.has(span.key)) {
    if (span.size === 0) return;
    if (close) this.folded.add(span.key);
    else this.folded.delete(span.key);
    this.update();
  }

  showSpan() {
    const span = this.rows.item();
    this.element.classList.toggle('without-span', span === undefined);
    if (span === undefined) this.aside.replaceChildren();
    else this.aside.replaceChildren(...spanDetails(span, this));
    this.aside.scrollTop = 0;
  }

  // By id; unfolds what hides it.
  selectSpan(id) {
    const index = this.spans.findIndex((span) => span.id === id);
    if (index < 0) return;
    this.reveal(this.spans[index]);
  }

  reveal(span) {
    const index = this.spans.indexOf(span);
    this.spans.slice(0, index).forEach((above, place) => {
      if (place + above.size >= index) this.folded.delete(above.key);
    });
    this.update();
    this.rows.select(this.rows.items.indexOf(span));
  }

  search() {
    this.mark();
    this.rows.draw();
    const matching = this.spans.filter((span) => span.matches).length;
    if (this.app.query() !== '') this.app.say(`${plural(matching, 'span')} of ${this.spans.length} match`);
    if (matching > 0 && this.app.query() !== '' && !this.rows.item()?.matches) this.step(1);
  }

  mark() {
    const wanted = words(this.app.query());
    for (const span of this.spans) span.matches = wanted.length === 0 ? undefined : wanted.every((word) => text(span).includes(word));
  }

  step(by) {
    const at = this.spans.indexOf(this.rows.item());
    const { length } = this.spans;
    for (let distance = 1; distance <= length; distance += 1) {
      const span = this.spans[(((at + by * distance) % length) + length) % length];
      if (span.matches) return this.reveal(span);
    }
    return undefined;
  }

  zoom() {
    const span = this.rows.item();
    this.window = this.window === null && span !== undefined ? [span.begin, span.begin + Math.max(1, span.nanos)] : null;
    this.update();
  }

  keydown(event) {
    const span = this.rows.item();
    if (this.records.element.contains(event.target)) return this.records.keydown(event);
    if (this.aside.contains(event.target) && event.key !== 'j' && event.key !== 'k' && event.key !== 'Escape') return false;
    if (event.key === 'ArrowRight' && span !== undefined) {
      if (this.folded.has(span.key)) this.fold(span, false);
      else if (span.size > 0) this.rows.move(1);
    } else if (event.key === 'ArrowLeft' && span !== undefined) {
      if (span.size > 0 && !this.folded.has(span.key)) this.fold(span, true);
      else this.parent(span);
    } else if (event.key === 'n' || event.key === 'N') this.step(event.key === 'n' ? 1 : -1);
    else if (event.key === 'z') this.zoom();
    else return this.rows.keydown(event);
    return true;
  }

  parent(span) {
    const { items } = this.rows;
    for (let index = items.indexOf(span) - 1; index >= 0; index -= 1) {
      if (items[index].depth < span.depth) return this.rows.select(index);
    }
    return undefined;
  }

  leave() {
    this.app.leave();
  }

  focus() {
    this.rows.element.focus({ preventScroll: true });
  }
}

// All that the search in a trace looks at; made once.
function text(span) {
  if (span.text === undefined) {
    const pairs = (list) => list.map(({ key, value }) => `${key}=${value}`);
    span.text = [
      span.name, span.id, `service.name=${span.from.service}`, `kind=${span.kind}`, `status=${span.status.code}`, span.status.message,
      ...pairs(span.attributes), ...span.events.flatMap((event) => [event.name, ...pairs(event.attributes)]),
    ].join('\n').toLowerCase();
  }
  return span.text;
}

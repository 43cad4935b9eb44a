// All metrics, a card each: a plot over time of the series, or the distribution that was last reported.

import { el, serviceTag } from './dom.js';
import { number, plural } from './format.js';
import { linePlot, barPlot } from './plot.js';

const LIMIT = 1000; // series asked for
const LINES = 6; // series drawn and named before one asks for all

export class Metrics {
  constructor(app) {
    Object.assign(this, { app, tab: 'metrics', title: 'Metrics' });
    this.placeholder = 'Search metrics: words, key=value';
    this.summary = el('p', { class: 'summary' });
    this.grid = el('div', { class: 'cards', role: 'list', 'aria-label': 'Metrics' });
    this.empty = el('div', { class: 'empty' });
    this.element = el('section', { class: 'list metrics', 'aria-label': 'Metrics' }, this.summary, this.grid, this.empty);
    this.cards = new Map(); // by key: kept, so that the focus stays where it is
    this.wide = new Set();
  }

  async refresh() {
    const search = this.app.query();
    const answer = await this.app.get('/api/metrics', { search, limit: LIMIT });
    if (search !== this.app.query()) return; // somebody typed on
    const metrics = grouped(answer);
    const focused = this.grid.contains(document.activeElement) ? document.activeElement : null;
    const cards = new Map();
    for (const [key, metric] of metrics) {
      const card = this.cards.get(key) ?? this.card(key);
      card.metric = metric;
      cards.set(key, card);
      this.draw(key, card);
    }
    this.cards = cards;
    const order = [...cards.values()].map((card) => card.element);
    // Moving an element takes the focus from it: only what has changed is put in anew.
    if (order.length !== this.grid.children.length || order.some((element, index) => this.grid.children[index] !== element)) {
      this.grid.replaceChildren(...order);
      if (focused?.isConnected) focused.focus({ preventScroll: true });
    }
    this.summary.textContent = `${answer.more ? 'The first ' : ''}${plural(metrics.size, 'metric')}${search === '' ? '' : ' with that'}`;
    this.element.classList.toggle('nothing', metrics.size === 0);
    this.empty.replaceChildren(el('p', {}, search === '' ? 'No metrics yet.' : 'No metric matches. Esc clears the search.'));
    if (search !== '') this.app.say(this.summary.textContent);
  }

  search() {
    return this.refresh();
  }

  card(key) {
    const element = el('article', { class: 'card', role: 'listitem', tabindex: 0, on: { dblclick: () => this.toggle(key) } });
    return { element, key };
  }

  draw(key, { element, metric }) {
    const all = this.wide.has(key);
    const { name, unit, description, kind, from, series } = metric;
    element.classList.toggle('wide', all);
    element.setAttribute('aria-label', `${name}, ${from.service}`);
    const lines = series.slice(0, all ? undefined : LINES);
    const distribution = distributionOf(series);
    const last = (one) => (distribution === null ? one.points.at(-1)?.value ?? null : one.points.at(-1)?.count ?? null);
    element.replaceChildren(...[
      el('h2', {}, name || '(no name)', unit === '' ? null : el('span', { class: 'unit' }, unit)),
      el('p', { class: 'of' }, serviceTag(from.service), el('span', { class: 'fact' }, kind)),
      description === '' ? null : el('p', { class: 'note' }, description),
      distribution === null ? linePlot(lines, unit) : barPlot(distribution, unit),
      distribution === null ? null : el('p', { class: 'fact' }, summary(distribution)),
      el('ul', { class: 'legend' }, ...lines.map((one, index) => el('li', {},
        distribution === null ? el('i', { class: `dot line-${index % 10}`, 'aria-hidden': 'true' }) : null,
        el('span', { class: 'text', title: one.label }, one.label || 'all'),
        el('b', {}, number(last(one)))))),
      series.length > LINES
        ? el('button', { type: 'button', class: 'more', on: { click: () => this.toggle(key) } }, all ? 'Less' : `${series.length - LINES} more series`)
        : null,
    ].filter((part) => part !== null));
  }

  toggle(key) {
    if (this.wide.has(key)) this.wide.delete(key);
    else this.wide.add(key);
    this.draw(key, this.cards.get(key));
    this.cards.get(key).element.focus();
  }

  keydown(event) {
    const steps = { ArrowDown: 1, ArrowRight: 1, j: 1, ArrowUp: -1, ArrowLeft: -1, k: -1, Home: -Infinity, End: Infinity };
    const elements = [...this.grid.children];
    const at = elements.indexOf(document.activeElement.closest('.card'));
    if (Object.hasOwn(steps, event.key) && elements.length > 0) {
      elements[Math.max(0, Math.min(elements.length - 1, at + steps[event.key]))].focus();
      return true;
    }
    if (event.key === 'Enter' && at >= 0) {
      this.toggle([...this.cards.keys()][at]);
      return true;
    }
    return false;
  }

  focus() {
    (this.grid.firstElementChild ?? this.element.parentElement).focus({ preventScroll: true });
  }
}

// The series of each metric, by a key that tells metrics apart.
function grouped({ series, origins }) {
  const metrics = new Map();
  for (const one of series) {
    const from = origins[one.origin];
    const key = JSON.stringify([one.name, one.unit, one.kind, from.service, from.scope.name]);
    if (!metrics.has(key)) metrics.set(key, { ...one, from, series: [] });
    one.label = one.attributes.map((attribute) => `${attribute.key}=${attribute.value}`).join(' ');
    metrics.get(key).series.push(one);
  }
  return metrics;
}

// What the last points of all series hold together; of those with other buckets than the first nothing. Null for numbers.
function distributionOf(series) {
  if (series[0].buckets === null) return null;
  const same = (a, b) => a.length === b.length && a.every(([low, high], index) => low === b[index][0] && high === b[index][1]);
  const alike = series.filter((one) => same(one.buckets, series[0].buckets));
  const points = alike.map((one) => one.points.at(-1)).filter((point) => point.count !== undefined);
  const known = (name) => points.map((point) => point[name]).filter((value) => value !== null);
  return {
    buckets: series[0].buckets.map(([low, high], at) => [low, high, alike.reduce((sum, one) => sum + one.buckets[at][2], 0)]),
    quantiles: series[0].quantiles,
    count: points.reduce((sum, point) => sum + point.count, 0),
    sum: points.some((point) => point.sum === null) ? null : points.reduce((sum, point) => sum + point.sum, 0),
    min: known('min').length > 0 ? Math.min(...known('min')) : null,
    max: known('max').length > 0 ? Math.max(...known('max')) : null,
  };
}

function summary({ count: size, sum, min, max }) {
  const parts = [plural(size, 'value')];
  if (sum !== null && size > 0) parts.push(`mean ${number(sum / size)}`);
  if (min !== null) parts.push(`min ${number(min)}`);
  if (max !== null) parts.push(`max ${number(max)}`);
  return parts.join(' · ');
}

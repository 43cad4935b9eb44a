// What there is to know of one span or one log record, as elements. Used by the trace and by the list of log records.

import { attributes, el, serviceTag } from './dom.js';
import { between, clock, duration, exactTime } from './format.js';

// `trace` has the log records and the start of the whole.
export function spanDetails(span, trace) {
  return [
    el('header', {},
      el('h2', {}, span.name || '(no name)'),
      el('p', {}, serviceTag(span.from.service), el('span', { class: 'fact' }, span.kind),
        span.status.code === 'unset' ? null : el('span', { class: `badge ${span.status.code === 'error' ? 'bad' : 'good'}` }, span.status.code)),
      span.status.message === '' ? null : el('p', { class: 'message' }, span.status.message)),
    facts([
      ['Duration', duration(span.nanos)],
      ['Start', `+${duration(span.begin)}`, exactTime(span.start)],
      ['Span', code(span.id)],
      ['Parent', span.parent === '' ? 'none' : code(span.parent), span.orphan ? 'has not arrived' : undefined],
      ['Scope', scope(span.from.scope)],
    ]),
    span.orphan ? el('p', { class: 'note' }, 'Its parent has not arrived.') : null,
    section('Attributes', span.attributes.length, attributes(span.attributes, span.dropped.attributes)),
    section('Events', span.events.length, events(span, trace)),
    section('Links', span.links.length, links(span, trace)),
    section('Logs', ...logs(span, trace)),
    section('Resource', span.from.attributes.length, attributes(span.from.attributes)),
  ].filter((part) => part !== null);
}

function events(span, trace) {
  if (span.events.length === 0 && span.dropped.events === 0) return null;
  return el('ol', { class: 'events' },
    span.events.map((event) => el('li', {},
      el('p', {}, el('b', {}, event.name || '(no name)'), ' ',
        el('span', { class: 'fact', title: exactTime(event.time) }, `+${duration(between(trace.start, event.time))}`)),
      attributes(event.attributes, event.dropped))),
    span.dropped.events > 0 ? el('li', { class: 'dropped' }, `${span.dropped.events} dropped by the sender`) : null);
}

function links(span, trace) {
  if (span.links.length === 0 && span.dropped.links === 0) return null;
  return el('ol', { class: 'events' },
    span.links.map((link) => el('li', {},
      el('a', { href: `#/trace/${link.trace}?span=${link.span}` }, linked(link, trace)),
      attributes(link.attributes, link.dropped))),
    span.dropped.links > 0 ? el('li', { class: 'dropped' }, `${span.dropped.links} dropped by the sender`) : null);
}

// The name of a span of this trace; the ids of another.
function linked(link, trace) {
  const span = link.trace === trace.id ? trace.spans.find((one) => one.id === link.span) : undefined;
  return span === undefined ? el('code', {}, `${link.trace} ${link.span}`) : `${span.name || '(no name)'}, ${duration(span.nanos)}`;
}

function logs(span, trace) {
  const own = trace.logs.filter((record) => record.span === span.id);
  if (own.length === 0) return [0, null];
  return [own.length, el('ol', { class: 'own-logs' }, own.map((record) =>
    el('li', {}, ...logRecord(record, `+${duration(between(trace.start, record.time))}`), attributes(record.attributes, record.dropped))))];
}

// The cells of a row for a log record; `when` is a text, such as how long after the start of its trace.
export function logRecord(record, when) {
  return [
    el('span', { class: 'time', title: exactTime(record.time) }, when),
    el('span', { class: `severity severity-${level(record.severity)}` }, record.level || '–'),
    serviceTag(record.from.service),
    el('span', { class: 'body' }, record.body || record.event || '(no text)'),
  ];
}

export function logDetails(record) {
  return [
    el('header', {},
      el('p', {}, el('span', { class: `severity severity-${level(record.severity)}` }, record.level || 'no severity'), serviceTag(record.from.service)),
      el('pre', { class: 'whole' }, record.body || '(no text)')),
    facts([
      ['Time', clock(record.time), exactTime(record.time)],
      ['Event', record.event || 'none'],
      ['Trace', record.trace === '' ? 'none' : el('a', { href: `#/trace/${record.trace}?span=${record.span}` }, el('code', {}, record.trace))],
      ['Span', record.span === '' ? 'none' : code(record.span)],
      ['Scope', scope(record.from.scope)],
    ]),
    section('Attributes', record.attributes.length, attributes(record.attributes, record.dropped)),
    section('Resource', record.from.attributes.length, attributes(record.from.attributes)),
  ].filter((part) => part !== null);
}

// Severities come in sixes of four: trace, debug, info, warn, error, fatal.
const level = (severity) => (severity === 0 ? 0 : Math.ceil(severity / 4));

const code = (text) => el('code', {}, text);

const scope = ({ name, version }) => (version === '' ? name || 'none' : `${name} ${version}`);

function facts(list) {
  return el('dl', { class: 'facts' }, ...list.map(([name, value, title]) => el('div', {}, el('dt', {}, name), el('dd', { title }, value))));
}

function section(title, size, content) {
  if (content === null) return null;
  return el('section', {}, el('h3', {}, title, ' ', el('span', { class: 'count' }, String(size))), content);
}

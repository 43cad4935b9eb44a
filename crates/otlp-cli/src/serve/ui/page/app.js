// Starts the page: which view is shown (the fragment of the address says it), when it is asked to refresh, and the keys that
// are the same everywhere. Knows nothing of what the views show.

import { byId } from './dom.js';
import { count, plural } from './format.js';
import { Logs } from './logs.js';
import { Metrics } from './metrics.js';
import { Trace } from './trace.js';
import { Traces } from './traces.js';

const POLL = 1000; // milliseconds
const TYPING = 150; // milliseconds without a key until a search begins
const LISTS = { traces: Traces, logs: Logs, metrics: Metrics };

const search = byId('search');
const main = byId('main');
const kept = new Map(); // views of lists, with their selection and scroll position
let view; // what is shown
let list = '#/traces'; // the fragment of the list that was shown last
let seen; // the revision it shows
let live = true;
let typing;

// What views may do to the page.
const app = {
  // An answer of the server. `parameters` that are empty are left out.
  async get(path, parameters = {}) {
    const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ''));
    const [answer, text] = await reach(query.size > 0 ? `${path}?${query}` : path);
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    const told = JSON.parse(text);
    for (const origin of told.origins ?? []) origin.attributes = told.resources[origin.resource];
    return told;
  },
  go(fragment) {
    location.hash = fragment;
  },
  // Back to the list one came from, as it was searched.
  leave() {
    location.hash = list;
  },
  query: () => search.value.trim(),
  say(text) {
    byId('status').textContent = text;
  },
};

function route() {
  const [path, query = ''] = location.hash.replace(/^#/, '').split('?');
  const parameters = new URLSearchParams(query);
  const [, name = 'traces', id = ''] = path.split('/');
  const next = viewOf(name, id);
  if (next !== view) {
    view = next;
    main.replaceChildren(view.element);
    for (const link of document.querySelectorAll('nav a')) {
      if (link.hash === `#/${view.tab}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }
  search.value = parameters.get('search') ?? '';
  search.placeholder = view.placeholder;
  remember();
  view.arrive?.(parameters);
  if (!byId('help').open) view.focus();
  seen = undefined;
  return poll();
}

function viewOf(name, id) {
  if (name === 'trace') return view?.id === id ? view : new Trace(app, id);
  const kind = Object.hasOwn(LISTS, name) ? LISTS[name] : Traces;
  if (!kept.has(kind)) kept.set(kind, new kind(app));
  return kept.get(kind);
}

// Asks whether anything is new, and has the view ask for it.
async function poll() {
  const asking = view;
  try {
    const state = await app.get('/api/state');
    byId('received').textContent = received(state);
    if (asking === view && state.revision !== seen) {
      seen = state.revision;
      await asking.refresh();
    }
    document.title = `${view.title} · otlp`;
    connected(true);
  } catch (error) {
    connected(false, error);
  }
}

class Unreachable extends Error {}

// An answer and what it says; or nobody is there, or nobody any more.
async function reach(url) {
  try {
    const answer = await fetch(url);
    return [answer, await answer.text()];
  } catch (cause) {
    throw new Unreachable(url, { cause });
  }
}

function received({ spans, logs, points, forgotten }) {
  if (spans + logs + points === 0) return 'Nothing received yet';
  const text = `Received ${plural(spans, 'span')}, ${plural(logs, 'log record')}, ${plural(points, 'data point')}`;
  return forgotten > 0 ? `${text}; the oldest ${count(forgotten)} are no longer kept` : text;
}

function connected(yes, error) {
  document.documentElement.classList.toggle('gone', !yes);
  // A server that was stopped is no mistake of the page; anything else is, and is told.
  const stopped = error instanceof Unreachable;
  byId('live-text').textContent = yes ? (live ? 'Live' : 'Paused') : stopped ? 'No server' : 'Server error';
  if (!yes && !stopped) console.error(error);
  if (!yes) seen = undefined;
}

function follow(yes) {
  live = yes;
  byId('live').setAttribute('aria-pressed', String(live));
  byId('live-text').textContent = live ? 'Live' : 'Paused';
  if (live) poll();
}

function searched() {
  const path = location.hash.split('?')[0] || '#/traces';
  const text = app.query();
  // In place: every letter would be a step back otherwise.
  history.replaceState(null, '', text === '' ? path : `${path}?search=${encodeURIComponent(text)}`);
  remember();
  view.search();
}

function remember() {
  if (view.id === undefined) list = location.hash || '#/traces';
}

const ANYWHERE = {
  '/': () => search.select(),
  '?': () => byId('help').showModal(),
  p: () => follow(!live),
  1: () => app.go('#/traces'),
  2: () => app.go('#/logs'),
  3: () => app.go('#/metrics'),
};

function keydown(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId('help').open) return;
  if (event.target === search) {
    if (event.key === 'Escape' || event.key === 'Enter' || event.key === 'ArrowDown') {
      if (event.key === 'Escape' && search.value !== '') {
        search.value = '';
        searched();
      }
      view.focus();
      event.preventDefault();
    }
    return;
  }
  // Enter and blanks on a button or link are its own.
  if (event.target.closest('a, button') !== null && ['Enter', ' '].includes(event.key)) return;
  if (view.keydown(event)) {
    event.preventDefault();
  } else if (Object.hasOwn(ANYWHERE, event.key)) {
    event.preventDefault();
    ANYWHERE[event.key]();
  } else if (event.key === 'Escape') {
    if (search.value !== '') {
      search.value = '';
      searched();
    } else {
      view.leave?.();
    }
  }
}

addEventListener('hashchange', route);
addEventListener('keydown', keydown);
search.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(searched, TYPING);
});
byId('live').addEventListener('click', () => follow(!live));
byId('help-button').addEventListener('click', () => byId('help').showModal());

// One question at a time, and none while nobody looks.
async function forever() {
  if (live && !document.hidden) await poll();
  setTimeout(forever, POLL);
}

await route();
setTimeout(forever, POLL);

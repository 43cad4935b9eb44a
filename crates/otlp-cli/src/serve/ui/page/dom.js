// Makes elements. Used by every view. What is shown comes from the wire and may be hostile: it only ever becomes text nodes
// and attribute values through the calls below, and nothing in this folder parses HTML from a string.

// An element. `props`: `class`, `on` (an object of listeners), `data` (an object), and attributes; undefined, null and false
// are left out. Children: nodes, texts, and lists of these: a call can't have as many arguments as a list may have entries.
export function el(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

// The same for SVG.
export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === 'data') {
      Object.assign(element.dataset, value);
    } else {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  for (const child of children.flat()) {
    if (child !== undefined && child !== null) element.append(child);
  }
  return element;
}

export const byId = (id) => document.getElementById(id);

// A class for the colour of a service. Its name says which, so that it is the same after every start; while there are colours
// nobody has, no two services share one.
const COLOURS = 10;
const coloured = new Map();
export function colour(service) {
  if (!coloured.has(service)) {
    const taken = new Set(coloured.values());
    const first = hash(service) % COLOURS;
    const all = Array.from({ length: COLOURS }, (_, step) => (first + step) % COLOURS);
    coloured.set(service, all.find((one) => !taken.has(one)) ?? first);
  }
  return `colour-${coloured.get(service)}`;
}

function hash(text) {
  let value = 2166136261;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 16777619);
  return (value ^ (value >>> 15)) >>> 0;
}

// A coloured dot and the name of a service.
export function serviceTag(service) {
  return el('span', { class: `service ${colour(service)}` }, el('i', { class: 'dot', 'aria-hidden': 'true' }), service);
}

// A dotted name that may go on in the next line where it has dots.
const breakable = (name) => name.split(/(?<=[./_])/).flatMap((part) => [part, el('wbr')]);

// A table of attributes, or nothing if there are none.
export function attributes(list, dropped = 0) {
  if (list.length === 0 && dropped === 0) return null;
  const rows = list.map(({ key, type, value }) =>
    el('tr', {}, el('th', { scope: 'row' }, breakable(key)), el('td', { class: `type-${type}`, title: type }, value)));
  if (dropped > 0) {
    rows.push(el('tr', { class: 'dropped' }, el('td', { colspan: 2 }, `${dropped} dropped by the sender`)));
  }
  return el('table', { class: 'attributes' }, el('tbody', {}, rows));
}

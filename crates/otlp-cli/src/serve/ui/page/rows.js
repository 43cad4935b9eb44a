// A list of any length: only the rows in sight are elements. Used by the lists of traces, spans and log records.
//
// One row is selected; the list has the focus and names that row as its active descendant, so a screen reader follows.
// Selection and what is in sight stay with their items when items come and go, as they do while telemetry arrives.

import { el } from './dom.js';

const SPARE = 8; // rows kept above and below the visible ones

export class Rows {
  // `key(item)` tells items apart; `render(item)` fills a row; `attributes(item)` are those of the row, such as `aria-level`;
  // `onSelect(item)` hears of the selection, `onOpen(item)` of Enter and of a double click, or of a click if `opensByClick`.
  constructor({ name, label, role = 'listbox', rowRole = 'option', height, key, render, attributes, onSelect, onOpen, opensByClick }) {
    Object.assign(this, { name, rowRole, height, key, render, attributes, onSelect, onOpen, opensByClick });
    this.items = [];
    this.selected = -1;
    this.space = el('div', { class: 'rows-space', role: 'presentation' });
    this.element = el('div', { class: `rows ${name}`, role, tabindex: 0, 'aria-label': label }, this.space);
    this.element.addEventListener('scroll', () => this.draw(), { passive: true });
    this.space.addEventListener('click', (event) => this.clicked(event, opensByClick));
    this.space.addEventListener('dblclick', (event) => this.clicked(event, true));
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  clicked(event, opens) {
    if (event.target.closest('button') !== null) return;
    // By where it was, since the element may have been made anew while the button was down.
    this.select(Math.floor((event.clientY - this.space.getBoundingClientRect().top) / this.height));
    if (opens) this.open();
  }

  set(items) {
    const selected = this.item();
    const top = this.element.scrollTop;
    const anchor = top > 0 ? this.items[Math.floor(top / this.height)] : undefined;
    const indexOf = (old) => (old === undefined ? -1 : items.findIndex((item) => this.key(item) === this.key(old)));
    this.items = items;
    this.space.style.height = `${items.length * this.height}px`;
    this.selected = indexOf(selected);
    const moved = indexOf(anchor);
    if (moved >= 0) this.element.scrollTop = moved * this.height + (top % this.height);
    this.draw();
    if (selected !== undefined && this.selected < 0) this.onSelect?.(undefined);
  }

  item() {
    return this.items[this.selected];
  }

  // Moves the selection by rows; `Infinity` is the end.
  move(by) {
    if (this.items.length === 0) return;
    const from = this.selected < 0 ? (by > 0 ? -1 : this.items.length) : this.selected;
    this.select(Math.max(0, Math.min(this.items.length - 1, from + by)));
  }

  page() {
    return Math.max(1, Math.floor(this.element.clientHeight / this.height) - 1);
  }

  select(index) {
    if (index < 0 || index >= this.items.length) return;
    this.selected = index;
    const top = index * this.height;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight) this.element.scrollTop = top + this.height - clientHeight;
    this.draw();
    this.onSelect?.(this.item());
  }

  open() {
    const item = this.item();
    if (item !== undefined) this.onOpen?.(item);
  }

  // Puts the rows in sight where they belong. Rows are made anew: a screenful costs less than telling what changed.
  draw() {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - SPARE);
    const end = Math.min(this.items.length, Math.ceil((scrollTop + clientHeight) / this.height) + SPARE);
    const rows = [];
    for (let index = first; index < end; index += 1) rows.push(this.row(index));
    this.space.replaceChildren(...rows);
    const active = this.selected >= first && this.selected < end;
    if (active) this.element.setAttribute('aria-activedescendant', `${this.name}-${this.selected}`);
    else this.element.removeAttribute('aria-activedescendant');
  }

  row(index) {
    const item = this.items[index];
    const selected = index === this.selected;
    const row = el('div', {
      class: selected ? 'row selected' : 'row',
      id: `${this.name}-${index}`,
      role: this.rowRole,
      'aria-selected': String(selected),
      'aria-posinset': index + 1,
      'aria-setsize': this.items.length,
      ...this.attributes?.(item),
    }, ...this.render(item));
    row.style.top = `${index * this.height}px`;
    row.style.height = `${this.height}px`;
    return row;
  }

  // Whether the key was for a list.
  keydown(event) {
    const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: this.page(), PageUp: -this.page(), Home: -Infinity, End: Infinity };
    if (Object.hasOwn(steps, event.key)) this.move(steps[event.key]);
    else if (event.key === 'Enter') this.open();
    else return false;
    return true;
  }
}

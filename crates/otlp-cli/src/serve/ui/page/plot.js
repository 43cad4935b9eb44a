// Small plots in SVG: lines over time, and a distribution as bars. Pure: from numbers to elements.

import { el, svg } from './dom.js';
import { between, clock, duration, number } from './format.js';

const WIDTH = 320;
const HEIGHT = 96;
const TOP = 6;

// `series`: each with `points` of a time and a value, which is null where the sender had none.
export function linePlot(series, unit) {
  const times = series.flatMap((one) => one.points.map((point) => point.time));
  const values = series.flatMap((one) => one.points.map((point) => point.value)).filter(Number.isFinite);
  if (values.length === 0) return el('p', { class: 'note' }, 'No numbers.');
  const first = times.reduce((least, time) => (between(least, time) < 0 ? time : least));
  const last = times.reduce((most, time) => (between(most, time) > 0 ? time : most));
  // Zero belongs to a plot unless that would flatten what varies far from it.
  let [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  if (low > 0 && low < high / 2) low = 0;
  if (low === high) [low, high] = low === 0 ? [0, 1] : [Math.min(0, low), Math.max(0, high)];
  const span = Math.max(1, between(first, last));
  const x = (time) => (between(first, time) / span) * (WIDTH - 8) + 4;
  // Halved first where the difference is no number any more; elsewhere halving would make nothing of the smallest numbers.
  const share = Number.isFinite(high - low)
    ? (value) => (value - low) / (high - low)
    : (value) => (value / 2 - low / 2) / (high / 2 - low / 2);
  const y = (value) => HEIGHT - share(value) * (HEIGHT - TOP - 2) - 1;
  const lines = series.flatMap((one, index) => pieces(one.points).map((piece) => {
    const at = piece.map(({ time, value }) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`);
    if (at.length === 1) {
      return svg('circle', { class: `line-${index % 10}`, cx: x(piece[0].time), cy: y(piece[0].value), r: 3 });
    }
    return svg('polyline', { class: `line-${index % 10}`, points: at.join(' ') });
  }));
  return frame(lines, `${number(low)} to ${number(high)} ${unit}`, number(high), number(low),
    [clock(first), first === last ? '' : duration(between(first, last)), first === last ? '' : clock(last)]);
}

// Runs of points that have a number.
function pieces(points) {
  const runs = [[]];
  for (const point of points) {
    if (Number.isFinite(point.value)) runs.at(-1).push(point);
    else if (runs.at(-1).length > 0) runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}

// `buckets`: triples of lower bound (null: none), upper bound (null: none), count.
export function barPlot({ buckets, quantiles }, unit) {
  const filled = quantiles.length > 0 ? quantiles.map(([at, value]) => [null, at, value ?? 0]) : withoutEmptyEnds(buckets);
  if (filled.length === 0) return el('p', { class: 'note' }, 'No values yet.');
  const highest = filled.reduce((most, [, , size]) => Math.max(most, size), Number.MIN_VALUE);
  const step = (WIDTH - 8) / filled.length;
  const bars = filled.map(([low, high, size], index) => {
    const height = (Math.max(0, size) / highest) * (HEIGHT - TOP - 2);
    const title = quantiles.length > 0 ? `quantile ${high}: ${number(size)} ${unit}` : `${bounds(low, high)} ${unit}: ${size}`;
    return svg('rect', { x: 4 + index * step, y: HEIGHT - height, width: Math.max(1, step - 1.5), height, rx: 1 }, svg('title', {}, title));
  });
  const [low, high] = [filled[0], filled.at(-1)];
  const ends = quantiles.length > 0
    ? [`quantile ${low[1]}`, '', `quantile ${high[1]}`]
    : [low[0] === null ? `≤ ${number(low[1])}` : number(low[0]), unit, high[1] === null ? `> ${number(high[0])}` : number(high[1])];
  return frame(bars, `Distribution in ${filled.length} buckets`, number(highest), '0', ends);
}

const bounds = (low, high) => {
  if (low === null) return high === null ? 'all' : `up to ${number(high)}`;
  return high === null ? `above ${number(low)}` : `${number(low)} to ${number(high)}`;
};

function withoutEmptyEnds(buckets) {
  const first = buckets.findIndex(([, , size]) => size > 0);
  const last = buckets.findLastIndex(([, , size]) => size > 0);
  return first < 0 ? [] : buckets.slice(first, last + 1);
}

function frame(shapes, label, high, low, foot) {
  return el('figure', { class: 'plot' },
    el('span', { class: 'high', 'aria-hidden': 'true' }, high),
    svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
      ...[0.25, 0.5, 0.75].map((share) => svg('line', { class: 'grid', x1: 0, x2: WIDTH, y1: HEIGHT * share, y2: HEIGHT * share })),
      shapes),
    el('span', { class: 'low', 'aria-hidden': 'true' }, low),
    el('figcaption', {}, ...foot.map((text) => el('span', {}, text))));
}

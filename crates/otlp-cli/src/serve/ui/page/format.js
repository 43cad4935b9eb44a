// Numbers and times as people read them. Pure. Times are decimal texts of nanoseconds, since a Number has too few digits.

const pad = (number, digits) => String(number).padStart(digits, '0');

// `12:34:56.789`, in the zone of the browser; a dash for no time.
export function clock(nanos) {
  const date = dateOf(nanos);
  if (date === null) return '–';
  return `${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}.${pad(date.getMilliseconds(), 3)}`;
}

// The whole time, exact, for a tooltip.
export function exactTime(nanos) {
  const date = dateOf(nanos);
  if (date === null) return nanos === '0' ? 'no time' : `${nanos} ns since 1970`;
  return `${date.toISOString().slice(0, 19)}.${pad(BigInt(nanos) % 1000000000n, 9)}Z`;
}

function dateOf(nanos) {
  if (nanos === '0') return null;
  const date = new Date(Number(BigInt(nanos) / 1000000n));
  return Number.isNaN(date.getTime()) ? null : date;
}

// `end - start` as a Number of nanoseconds.
export const between = (start, end) => Number(BigInt(end) - BigInt(start));

const UNITS = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs']];

// A span of time in nanoseconds with three digits and a unit.
export function duration(nanos) {
  if (nanos < 0) return `−${duration(-nanos)}`;
  if (nanos >= 60e9) {
    const seconds = Math.round(nanos / 1e9);
    if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${pad(Math.floor(seconds / 60) % 60, 2)} min`;
    return `${Math.floor(seconds / 60)} min ${pad(seconds % 60, 2)} s`;
  }
  for (const [size, unit] of UNITS) {
    if (nanos >= size) return `${digits(nanos / size)} ${unit}`;
  }
  return `${Math.round(nanos)} ns`;
}

function digits(value) {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

// A count, with thin blanks between thousands.
export const count = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');

export const plural = (value, word) => `${count(value)} ${word}${value === 1 ? '' : 's'}`;

// A measured value, short.
export function number(value) {
  if (value === null) return '–';
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return value.toExponential(2);
  if (size >= 1e4) return count(Math.round(value));
  return String(Number(value.toPrecision(4)));
}

// The words of a search, as the server reads them.
export const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

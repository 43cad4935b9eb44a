// The order of spans in a waterfall. Pure, and used by it alone.
//
// Spans may come from anyone: parents may be missing, stand in a circle, or be a thousand deep, and ids may repeat. Each span
// is shown once whatever they say, and nothing here recurses.

// `spans` with `depth`, `orphan` (whether its parent is missing) and `size` (spans below it), parents before children, siblings
// by start.
export function arrange(spans) {
  const byStart = [...spans].sort((a, b) => a.begin - b.begin || a.until - b.until);
  const ids = new Set(spans.map((span) => span.id));
  const children = new Map();
  const roots = [];
  for (const span of byStart) {
    if (span.parent === '' || span.parent === span.id || !ids.has(span.parent)) {
      roots.push(span);
    } else if (children.has(span.parent)) {
      children.get(span.parent).push(span);
    } else {
      children.set(span.parent, [span]);
    }
  }
  const ordered = [];
  const seen = new Set();
  const visit = (root) => {
    const stack = [[root, 0]];
    while (stack.length > 0) {
      const [span, depth] = stack.pop();
      if (seen.has(span)) continue;
      seen.add(span);
      span.depth = depth;
      span.orphan = span.parent !== '' && !ids.has(span.parent);
      ordered.push(span);
      const below = children.get(span.id) ?? [];
      children.delete(span.id);
      for (let index = below.length - 1; index >= 0; index -= 1) stack.push([below[index], depth + 1]);
    }
  };
  roots.forEach(visit);
  // What is left stands in a circle of parents: the earliest begins.
  byStart.forEach((span) => seen.has(span) || visit(span));
  measure(ordered);
  return ordered;
}

function measure(ordered) {
  const open = [];
  const close = (depth, index) => {
    while (open.length > 0 && ordered[open.at(-1)].depth >= depth) {
      const start = open.pop();
      ordered[start].size = index - start - 1;
    }
  };
  ordered.forEach((span, index) => {
    close(span.depth, index);
    open.push(index);
  });
  close(0, ordered.length);
}

// What is to be seen when the spans in `folded` are folded.
export function unfolded(ordered, folded) {
  const visible = [];
  for (let index = 0; index < ordered.length; index += 1) {
    const span = ordered[index];
    visible.push(span);
    if (folded.has(span.key)) index += span.size;
  }
  return visible;
}

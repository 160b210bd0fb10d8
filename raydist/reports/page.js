"use strict";
// Values of drawings: the pointer or the arrow keys choose a mark, whose text stands in a small box beside it.
const raydist = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const STEPS = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 0, ArrowUp: 0, Home: -Infinity, End: Infinity };

  const box = document.createElement("div");
  box.className = "tip";
  box.setAttribute("role", "status");
  document.body.append(box);

  const hide = () => box.classList.remove("shown");
  const show = (text, left, top) => {
    box.textContent = text;
    box.classList.add("shown");
    const width = document.documentElement.clientWidth;
    const over = top - box.offsetHeight - 12;
    box.style.left = `${Math.max(6, Math.min(left + 12, width - box.offsetWidth - 6)) + scrollX}px`;
    box.style.top = `${(over > 4 ? over : top + 16) + scrollY}px`;
  };

  // How far a point is from a mark: 0 inside it.
  const away = ([left, top, width, height], x, y) =>
    Math.hypot(Math.max(left - x, 0, x - left - width), Math.max(top - y, 0, y - top - height));

  const nearest = (count, distance) => {
    let best = -1, least = Infinity;
    for (let i = 0; i < count; i++) {
      const now = distance(i);
      if (now < least) [best, least] = [i, now];
    }
    return best;
  };

  const stepFrom = (key, columns) =>
    key === "ArrowDown" ? columns : key === "ArrowUp" ? -columns : STEPS[key];

  // One drawing or picture of points: `at` says which mark is near, `choose` shows it.
  const listen = (target, { count, columns, at, choose, leave }) => {
    let chosen = -1;
    const take = (index) => {
      chosen = index;
      if (index >= 0) choose(index);
    };
    const off = () => {
      chosen = -1;
      hide();
      leave();
    };
    target.addEventListener("pointermove", (event) => take(at(event)));
    target.addEventListener("pointerdown", (event) => take(at(event)));
    target.addEventListener("pointerleave", off);
    target.addEventListener("blur", off);
    target.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return off();
      if (!(event.key in STEPS) || !count()) return;
      event.preventDefault();
      const next = chosen < 0 && event.key !== "End" ? 0 : chosen + stepFrom(event.key, columns());
      take(Math.max(0, Math.min(count() - 1, next)));
    });
  };

  for (const svg of document.querySelectorAll("svg[data-marks]")) {
    const marks = JSON.parse(svg.dataset.marks);
    const outline = document.createElementNS(SVG, "rect");
    outline.setAttribute("class", "outline");
    const scale = () => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    listen(svg, {
      count: () => marks.length,
      columns: () => Number(svg.dataset.columns || 1),
      at: (event) => {
        const place = svg.getBoundingClientRect();
        const x = (event.clientX - place.left) / scale(), y = (event.clientY - place.top) / scale();
        return nearest(marks.length, (i) => away(marks[i], x, y));
      },
      choose: (index) => {
        const [left, top, width, height, text] = marks[index];
        const shape = { x: left - (width ? 0 : 0.75), y: top, width: width || 1.5, height };
        for (const [name, value] of Object.entries(shape)) outline.setAttribute(name, value);
        svg.append(outline);
        const place = svg.getBoundingClientRect();
        show(text, place.left + (left + width) * scale(), place.top + top * scale());
      },
      leave: () => outline.remove(),
    });
  }
  return { listen, nearest, show };
})();

// The map of tracklets: drawn on a canvas from compact data, coloured by what is chosen.
for (const figure of document.querySelectorAll("figure.map")) {
  const GRID = 4000, MARGIN = 10, MOST_NAMES = 12;
  const canvas = figure.querySelector("canvas"), pen = canvas.getContext("2d");
  const data = JSON.parse(figure.querySelector("[data-points]").textContent);
  const legend = figure.querySelector("[data-legend]");
  const choice = (name) => figure.querySelector(`[data-choice="${name}"]`).value;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const modality = data.colourings.modality.codes;
  let chosen = -1;

  // Golden-angle hues: neighbours in number are far apart in colour.
  const colour = ({ names, rest }, code) => {
    if (rest && code === 0) return style("--soft");
    if (names[0] === "visible") return style(code ? "--infrared" : "--visible");
    const hue = ((code - (rest ? 1 : 0)) * 137.508) % 360;
    return `hsl(${hue} ${dark.matches ? "70% 66%" : "75% 40%"})`;
  };
  const place = (index) => {
    const [x, y] = data.positions[choice("projection")][index];
    const edge = canvas.clientWidth - 2 * MARGIN;
    return [MARGIN + (x / GRID) * edge, MARGIN + (1 - y / GRID) * edge];
  };
  const shape = (index, size) => {
    const [x, y] = place(index);
    pen.beginPath();
    if (modality[index]) {
      pen.moveTo(x, y - size);
      pen.lineTo(x + size, y + size * 0.8);
      pen.lineTo(x - size, y + size * 0.8);
      pen.closePath();
    } else pen.arc(x, y, size * 0.85, 0, 2 * Math.PI);
  };
  const draw = () => {
    const edge = canvas.clientWidth, ratio = devicePixelRatio || 1, colouring = data.colourings[choice("colour")];
    const size = edge < 420 ? 2.6 : 3.4;
    canvas.width = canvas.height = edge * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, edge, edge);
    const palette = colouring.names.map((_, code) => colour(colouring, code));
    pen.globalAlpha = 0.75;
    data.ids.forEach((_, index) => {
      pen.fillStyle = palette[colouring.codes[index]];
      shape(index, size);
      pen.fill();
    });
    pen.globalAlpha = 1;
    if (chosen < 0) return;
    pen.strokeStyle = style("--ink");
    pen.lineWidth = 2;
    shape(chosen, size + 3);
    pen.stroke();
  };
  const explain = () => {
    const colouring = data.colourings[choice("colour")];
    const names = colouring.names.slice(0, MOST_NAMES).map((name, code) => {
      const item = document.createElement("li"), dot = document.createElement("span");
      dot.className = "dot";
      dot.style.background = colour(colouring, code);
      item.append(dot, name);
      return item;
    });
    if (colouring.names.length > MOST_NAMES) {
      const more = document.createElement("li");
      more.textContent = `and ${colouring.names.length - MOST_NAMES} more`;
      names.push(more);
    }
    legend.replaceChildren(...names);
  };
  const text = (index) =>
    [data.ids[index], ...Object.values(data.colourings).map(({ names, codes }) => names[codes[index]])].join("\n");

  raydist.listen(canvas, {
    count: () => data.ids.length,
    columns: () => 1,
    at: (event) => {
      const [x, y] = [event.offsetX, event.offsetY];
      return raydist.nearest(data.ids.length, (index) => {
        const [left, top] = place(index);
        return Math.hypot(left - x, top - y);
      });
    },
    choose: (index) => {
      chosen = index;
      draw();
      const corner = canvas.getBoundingClientRect(), [x, y] = place(index);
      raydist.show(text(index), corner.left + x, corner.top + y);
    },
    leave: () => {
      chosen = -1;
      draw();
    },
  });
  const all = () => {
    draw();
    explain();
  };
  figure.addEventListener("change", all);
  dark.addEventListener("change", all);
  new ResizeObserver(draw).observe(canvas);
  all();
}

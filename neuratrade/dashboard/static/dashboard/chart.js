/* Draws the equity curve as SVG. Points are [epoch_ms, value], oldest first. */
const NS = "http://www.w3.org/2000/svg";

function node(name, attributes, text) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

export function drawCurve(svg, points, format) {
  const { width, height } = svg.getBoundingClientRect();
  if (!width) return;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  if (points.length < 2) {
    svg.append(node("text", { x: 0, y: height / 2 }, "The curve begins with the second mark, ten seconds after the first."));
    return;
  }
  const bottom = height - 20;
  const values = points.map((point) => point[1]);
  let low = Math.min(...values);
  let high = Math.max(...values);
  const pad = Math.max((high - low) * 0.08, Math.abs(high) * 0.0002, 0.01);
  low -= pad;
  high += pad;
  const [from, to] = [points[0][0], points[points.length - 1][0]];
  const x = (ms) => ((ms - from) / Math.max(to - from, 1)) * width;
  const y = (value) => 6 + (1 - (value - low) / (high - low)) * (bottom - 6);
  for (const share of [0, 0.5, 1]) {
    const value = low + (high - low) * share;
    svg.append(node("line", { class: "rule", x1: 0, x2: width, y1: y(value), y2: y(value) }));
    svg.append(node("text", { x: width, y: y(value) - 4, "text-anchor": "end" }, format(value)));
  }
  const path = points.map((point) => `${x(point[0]).toFixed(1)},${y(point[1]).toFixed(1)}`).join("L");
  svg.append(node("path", { class: "area", d: `M0,${bottom}L${path}L${width},${bottom}Z` }));
  svg.append(node("path", { class: "line", d: `M${path}` }));
  svg.append(node("text", { x: 0, y: height - 4 }, clock(from)));
  svg.append(node("text", { x: width, y: height - 4, "text-anchor": "end" }, clock(to)));
}

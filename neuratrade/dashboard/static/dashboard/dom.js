/* Small helpers: elements from text only (never markup from data), and the page's way to write numbers. */
export function el(name, attributes = {}, children = []) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value) element.setAttribute(key, value);
  element.append(...[children].flat().filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

export const fill = (target, children) => target.replaceChildren(...[children].flat());

/* Column names ending in |n are numbers, set to the right. */
export function table(columns, rows) {
  const kinds = columns.map((column) => (column.endsWith("|n") ? "n" : ""));
  return el("div", { class: "scroll" }, el("table", {}, [
    el("thead", {}, el("tr", {}, columns.map((column, index) => el("th", { class: kinds[index], scope: "col" }, column.replace("|n", ""))))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, index) => el("td", { class: kinds[index] }, cell))))),
  ]));
}

const number = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
export const money = (value) => (value === null || value === undefined ? "–" : number.format(Number(value)));
/* A long number cut to seven digits; anything else as it is. */
export const short = (value) => (/^-?\d+\.\d+$/.test(value) && value.length > 9 ? String(Number(Number(value).toPrecision(7))) : value);
export const signed = (value) => (value === null || value === undefined ? "–" : `${Number(value) > 0 ? "+" : ""}${number.format(Number(value))}`);
export const percent = (ratio) => (ratio === null || ratio === undefined ? "–" : `${(Number(ratio) * 100).toFixed(2)} %`);
export const tone = (value) => (Number(value) > 0 ? "good" : Number(value) < 0 ? "bad" : "");
export const time = (iso) => (iso ? new Date(iso).toLocaleTimeString("en-GB") : "–");
export const since = (seconds) => (seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`);

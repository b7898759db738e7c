/* Draws a report's charts with Plotly: each when it comes into view, again when light turns to dark. Colours named @x are the sheet's --x. */
(() => {
  const tokens = () => getComputedStyle(document.documentElement);
  const isTouch = matchMedia("(pointer: coarse)").matches;

  function coloured(value, style) {
    if (typeof value === "string") return value.startsWith("@") ? style.getPropertyValue(`--${value.slice(1)}`).trim() : value;
    if (Array.isArray(value)) return value.length > 9 && typeof value[0] === "number" ? value : value.map((item) => coloured(item, style));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, style)]));
    return value;
  }

  function dressed(layout, style, width) {
    const axis = { gridcolor: style.getPropertyValue("--line").trim(), zerolinecolor: style.getPropertyValue("--line").trim(), automargin: true, fixedrange: isTouch };
    const axes = Object.fromEntries(Object.entries({ xaxis: {}, yaxis: {}, ...layout }).filter(([name]) => /^[xy]axis\d*$/.test(name)).map(([name, own]) => [name, { ...axis, ...own }]));
    for (const name of Object.keys(axes)) if (name.startsWith("y") && width < 520) axes[name].nticks = axes[name].nticks ?? 6;
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 8, r: 8, t: 8, b: 8 }, dragmode: isTouch ? false : "zoom",
      font: { family: "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", size: 11, color: style.getPropertyValue("--soft").trim() },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" }, hoverlabel: { bgcolor: style.getPropertyValue("--card").trim(), bordercolor: style.getPropertyValue("--line").trim(), font: { color: style.getPropertyValue("--ink").trim() } },
      ...layout, ...axes,
    };
  }

  function draw(figure) {
    const canvas = figure.querySelector(".canvas");
    const chart = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    const style = tokens();
    Plotly.react(canvas, coloured(chart.data, style), coloured(dressed(chart.layout, style, canvas.clientWidth), style), { displayModeBar: false, responsive: true, displaylogo: false });
    figure.dataset.drawn = "true";
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }, { rootMargin: "400px 0px" });
  for (const figure of document.querySelectorAll("figure.plot")) seen.observe(figure);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const figure of document.querySelectorAll("figure.plot[data-drawn]")) draw(figure);
  });
})();

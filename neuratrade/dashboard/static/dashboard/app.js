/* Follows the desk: the stream sends whole sections whenever they change, this file draws them. All text goes in as text. */
import { drawCurve } from "./chart.js";
import { showWhy } from "./why.js";
import { el, fill, money, percent, short, signed, since, table, time, tone } from "./dom.js";

const $ = (id) => document.getElementById(id);
let curve = [];
let minutes = 60;
const WHOLE_DEBATES = 2;

const draw = {
  desk(desk) {
    $("mode").textContent = desk.mode;
    $("mode").dataset.mode = desk.mode;
    $("state").textContent = desk.is_liquidating ? "liquidating" : desk.state;
    $("state").dataset.state = desk.state;
    $("state").title = desk.cause || "Trading state";
    const trouble = [];
    if (desk.state !== "active") trouble.push(`The desk is ${desk.state}: ${desk.cause || "no cause given"}`);
    if (!desk.is_watched) trouble.push("The risk guard has not confirmed for 20 s: nothing new is approved.");
    $("alert").hidden = !trouble.length;
    $("alert").textContent = trouble.join(" ");
  },
  equity(equity) {
    $("equity").textContent = equity.now === null ? "–" : money(equity.now);
    const tiles = [
      ["Today, realised", signed(equity.day_pnl), tone(equity.day_pnl)],
      ["Open, unrealised", signed(equity.unrealised_pnl), tone(equity.unrealised_pnl)],
      ["Below 24 h peak", percent(equity.drawdown_ratio), Number(equity.drawdown_ratio) > 0.02 ? "warn" : ""],
      ["Cash", money(equity.cash), ""],
      ["AI cost today", money(equity.ai_cost_today), ""],
    ];
    fill($("tiles"), tiles.map(([name, value, kind]) => el("div", {}, [el("dt", {}, name), el("dd", { class: kind }, value)])));
  },
  curve(points) {
    curve = points;
    redraw();
  },
  positions(rows) {
    fill($("positions"), rows.length ? table(["Instrument", "Size|n", "Cost|n", "Mark|n", "PnL|n", "Stop|n"], rows.map((row) => [
      el("span", {}, [row.symbol, el("div", { class: "soft" }, row.venue)]),
      row.size, row.average_cost, row.mark ?? "–",
      el("span", { class: tone(row.pnl) }, row.pnl === null ? "–" : signed(row.pnl)),
      row.stop ? row.stop : el("span", { class: "warn" }, "unprotected"),
    ])) : el("p", { class: "empty" }, "Flat: no open position."));
  },
  orders(rows) {
    fill($("orders"), rows.length ? table(["Time", "Order", "Size|n", "Price|n", "State"], rows.map((row) => [
      time(row.at),
      el("span", {}, [`${row.purpose} ${row.side} ${row.symbol}`, el("div", { class: "soft" }, row.venue)]),
      row.size, row.price ?? "–",
      el("span", { class: `pill ${orderTone(row.state)}` }, row.state),
    ])) : el("p", { class: "empty" }, "No order yet."));
  },
  decisions(rows) {
    if (!rows.length) return;
    fill($("decisions"), rows.map((row, index) => decisionCard(row, index < WHOLE_DEBATES)));
  },
  streams(rows) {
    const venues = [...new Set(rows.map((row) => row.venue))];
    fill($("streams"), venues.length ? venues.flatMap((venue) => [
      el("h3", { class: "venue" }, venue),
      el("div", { class: "dots" }, rows.filter((row) => row.venue === venue).map(streamDot)),
    ]) : el("p", { class: "empty" }, "No stream yet."));
  },
  quests(rows) {
    fill($("quests"), rows.length ? table(["Quest", "When", "Result"], rows.map((row) => [
      el("span", {}, [row.name, el("div", { class: "soft" }, row.cadence)]), time(row.at),
      el("span", {}, [el("span", { class: `pill ${row.status === "failed" ? "bad" : ""}` }, row.status), ` ${row.summary}`]),
    ])) : el("p", { class: "empty" }, "No quest has run yet."));
  },
  processes(rows) {
    fill($("processes"), rows.length ? table(["Process", "Does", "Seen|n"], rows.map((row) => [
      row.name, row.doing || "–", el("span", { class: row.age_s > 15 ? "bad" : "" }, since(row.age_s)),
    ])) : el("p", { class: "empty" }, "No process has reported."));
  },
  events(rows) {
    fill($("events"), rows.map((row) => el("li", {}, [el("span", { class: "soft" }, time(row.at)), el("span", {}, row.text)])));
  },
};

const orderTone = (state) => ({ filled: "good", acked: "", partial: "", unknown: "warn", sending: "warn", rejected: "bad", aborted: "bad" })[state] ?? "";

function streamDot(row) {
  const kind = row.is_fresh ? (row.source === "rest" ? "rest" : "") : "stale";
  const age = row.age_s === null ? "–" : `${row.age_s.toFixed(1)} s`;
  return el("span", { class: `dot ${kind}`, title: `${row.source}, ${row.messages_per_s} messages/s` }, [row.symbol, el("i", {}, age)]);
}

/* Older debates show their outcome; the whole of it is behind "Why?". */
function decisionCard(row, isWhole) {
  const bad = ["failed", "vetoed"].includes(row.status);
  const turns = (isWhole ? row.debate : []).map((turn) => el("div", { class: "turn" }, [
    el("div", { class: "who" }, [turn.role.replace("_", " "), el("div", {}, turn.label)]),
    el("div", {}, [
      el("p", {}, turn.words || "…"),
      el("div", { class: "claims" }, turn.claims.map((claim) => el("span", { class: "pill", title: "evidence " + claim.evidence }, `${claim.field} = ${short(claim.value)}`))),
    ]),
  ]));
  const why = el("button", { class: "why", type: "button" }, "Why?");
  why.addEventListener("click", () => showWhy(row.id));
  return el("article", { class: "decision" }, [
    el("header", {}, [
      el("b", {}, `${row.symbol}`), el("span", { class: "soft" }, `${row.venue} · ${row.source} · ${time(row.at)}`),
      el("span", { class: `pill ${bad ? "bad" : ""}` }, row.status.replace("_", " ")), why,
    ]),
    ...turns,
    row.reason ? el("div", { class: "turn" }, [el("div", { class: "who" }, "outcome"), el("p", {}, row.reason)]) : "",
  ]);
}

function redraw() {
  const last = curve.length ? curve[curve.length - 1][0] : 0;
  drawCurve($("curve"), curve.filter((point) => point[0] >= last - minutes * 60000), (value) => money(value));
}

$("ranges").addEventListener("click", (event) => {
  if (!event.target.dataset.minutes) return;
  minutes = Number(event.target.dataset.minutes);
  for (const button of $("ranges").children) button.setAttribute("aria-pressed", String(button === event.target));
  redraw();
});
addEventListener("resize", redraw);

function linked(ok, words) {
  $("link").dataset.ok = ok;
  $("link").textContent = words;
}

const stream = new EventSource(document.querySelector("script[data-stream]").dataset.stream);
stream.addEventListener("open", () => linked(true, "live"));
stream.addEventListener("error", () => linked(false, "reconnecting…"));
stream.addEventListener("sections", (event) => {
  for (const [name, value] of Object.entries(JSON.parse(event.data))) draw[name]?.(value);
  document.body.dataset.ready = "true";
});

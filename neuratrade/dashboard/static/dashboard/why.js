/* The decision explorer: the same chain `neuratrade why` prints. */
import { el, fill, short, table, time } from "./dom.js";

const dialog = document.getElementById("why");
const body = document.getElementById("why-body");

export async function showWhy(id) {
  fill(body, el("p", { class: "empty" }, "Reading the chain…"));
  dialog.showModal();
  const answer = await fetch(`decisions/${id}.json`);
  fill(body, answer.ok ? chain(await answer.json()) : el("p", { class: "bad" }, `The desk answered ${answer.status}; try again.`));
}

function chain(why) {
  const rules = why.verdict?.rules ?? [];
  return [
    section("Decision", pairs(why.decision)),
    section("Market", pairs(why.market)),
    section("Debate", (why.debate ?? []).map((turn) => el("div", { class: "turn" }, [
      el("div", { class: "who" }, [turn.role ?? "", el("div", {}, turn.label ?? turn.model ?? "")]), el("p", {}, turn.words ?? ""),
    ]))),
    section("Evidence", (why.evidence ?? []).map((item) => el("details", {}, [
      el("summary", {}, `${item.id} ${item.tool} (${item.role ?? ""}) ${time(item.as_of)}`), pairs(item.error ? { error: item.error } : item.result),
    ]))),
    section("Verdict", rules.length ? table(["Rule", "Answer", "Why"], rules.map((rule) => [
      rule.rule, el("span", { class: rule.passed ? "good" : "bad" }, rule.passed ? "pass" : "veto"), rule.message,
    ])) : el("p", { class: "empty" }, "The gate has not been asked.")),
    section("Approval", pairs(why.approval)),
    section("Orders", (why.orders ?? []).map((order) => pairs(order))),
    section("Fills", (why.fills ?? []).length ? table(["Time", "Side", "Size|n", "Price|n", "Fee|n"], why.fills.map((fillRow) => [
      time(fillRow.executed_at), fillRow.side, fillRow.size_base, fillRow.price, `${fillRow.fee} ${fillRow.fee_asset}`,
    ])) : el("p", { class: "empty" }, "Nothing has filled.")),
    section("Result", pairs(why.pnl)),
    section("AI cost", pairs(why.cost)),
    section("Skill", pairs(why.skill)),
  ];
}

const section = (title, content) => el("section", {}, [el("h3", {}, title), ...[content].flat()]);

/* Nested values become rows of their own under a dotted name; what is empty is left out. */
function pairs(value) {
  const rows = flatten(value);
  if (!rows.length) return el("p", { class: "empty" }, "None.");
  return el("dl", { class: "facts" }, rows.flatMap(([name, item]) => [el("dt", {}, name), el("dd", {}, readable(item))]));
}

function flatten(value, name = "") {
  if (value === null || value === undefined || value === "") return [];
  if (typeof value !== "object") return [[name.replaceAll("_", " "), String(value)]];
  return Object.entries(value).flatMap(([key, item]) => flatten(item, name ? `${name}.${key}` : key));
}

const readable = (text) => (/^\d{4}-\d\d-\d\dT/.test(text) ? new Date(text).toLocaleString("en-GB") : short(text));

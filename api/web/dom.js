// DOM elements without a framework: create them, and change only what differs.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "rect", "line", "text", "title", "g"]);

/** Make an element. `on…` attributes are listeners; false and null leave an attribute out, or a child. */
export function h(tag, attributes = {}, ...children) {
  const node = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(node, name, value);
  fill(node, ...children);
  return node;
}

function set(node, name, value) {
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name === "value" || name === "checked" || name === "disabled") node[name] = value;
  else if (value !== false && value !== null && value !== undefined)
    node.setAttribute(name, value === true ? "" : value);
}

/** Set a text only if it differs, so that selections and screen readers are not disturbed. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Show exactly these children; an array stands for its items, false and null for nothing. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

/** The color of a custom property of the stylesheet in the current theme. */
export function colour(name) {
  const probe = document.getElementById("main");
  const before = probe.style.outlineColor;
  probe.style.outlineColor = `var(--${name})`;
  const resolved = getComputedStyle(probe).outlineColor;
  probe.style.outlineColor = before;
  return resolved;
}

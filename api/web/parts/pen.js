// A canvas to draw a digit on: mouse, pen and touch. White on black, as MNIST is.

import { h } from "../dom.js";

const SIDE = 280;
const THICK = 22;
const HAIR = 0.01; // a line of no length is not drawn, but a tap shall leave a dot

/** A canvas that shows `lines` and adds to them; `changed` is called after each. `png` is the drawing in base64. */
export function pen(lines, changed) {
  const canvas = h("canvas", {
    width: SIDE,
    height: SIDE,
    class: "pen",
    tabindex: 0,
    role: "img",
    "aria-label": "Draw a digit here with mouse, pen or finger. Without one of these, choose a test digit below.",
  });
  const context = canvas.getContext("2d");
  let line = null;

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };

  function paint() {
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIDE, SIDE);
    Object.assign(context, { strokeStyle: "#fff", lineWidth: THICK, lineCap: "round", lineJoin: "round" });
    for (const points of lines) stroke(points);
  }

  function stroke(points) {
    context.beginPath();
    const [x, y] = points[0];
    context.moveTo(x, y + HAIR);
    for (const point of points) context.lineTo(...point);
    context.stroke();
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    line = [at(event)];
    lines.push(line);
    paint();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!line) return;
    for (const part of event.getCoalescedEvents?.() ?? [event]) line.push(at(part));
    paint();
  });
  for (const type of ["pointerup", "pointercancel"])
    canvas.addEventListener(type, () => {
      if (line) changed();
      line = null;
    });

  function clear() {
    lines.length = 0;
    paint();
  }

  function undo() {
    lines.pop();
    paint();
  }

  paint();
  return { node: canvas, clear, undo, png: () => canvas.toDataURL("image/png").split(",")[1] };
}

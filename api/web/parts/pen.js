// A canvas for drawing by mouse, pen or touch. White on black, as in MNIST.

import { h } from "../dom.js";

const SIDE = 280;
const WIDTH = 22;
const HAIR = 0.01; // makes a tap leave a dot: a line without length is not drawn

/** A canvas that shows `lines` and adds to them; `changed` is called after each. `png` is the drawing in base64. */
export function pen(lines, changed) {
  const canvas = h("canvas", {
    width: SIDE,
    height: SIDE,
    class: "pen",
    tabindex: 0,
    role: "img",
    "aria-label": "Draw here with mouse, pen or finger. By keyboard, choose a test sample below.",
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
    Object.assign(context, { strokeStyle: "#fff", lineWidth: WIDTH, lineCap: "round", lineJoin: "round" });
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

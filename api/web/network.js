// The layers of a spec's network.

/** The shape that a layer makes of one sample of `shape`; null where the page cannot know it. */
function after(layer, shape) {
  if (shape === null) return null;
  if (layer.units) return [layer.units];
  const [height, width, channels] = shape;
  const slid = (size, stride) => [height, width].map((side) => Math.floor((side - size) / stride) + 1);
  switch (layer.type) {
    case "conv2d": {
      const { kernel_size: size = 3, stride = 1, padding = "valid", filters } = layer;
      const sides = padding === "same" ? [height, width].map((side) => Math.ceil(side / stride)) : slid(size, stride);
      return [...sides, filters];
    }
    case "max-pool2d":
    case "avg-pool2d":
      return [...slid(layer.size ?? 2, layer.stride ?? layer.size ?? 2), channels];
    case "layer-norm":
    case "residual":
      return shape;
    default:
      return layer.custom === "quantize" ? shape : null;
  }
}

const product = (shape) => shape.reduce((whole, part) => whole * part, 1);

/**
 * The layers of a spec with weights, each with its `index`, the `name` of the array, `inputs`, the number of its rows,
 * and `units`, the number of its columns.
 */
export function weightedLayers({ dataset, network: { layers } }) {
  let shape = [dataset.image_size, dataset.image_size, 1];
  const weighted = layers.map((layer, index) => {
    const before = shape;
    shape = after(layer, shape);
    if (before === null) return null;
    if (layer.units) {
      return { ...layer, index, name: "weights", inputs: product(before), units: layer.units / (layer.groups ?? 1) };
    }
    if (layer.type !== "conv2d") return null;
    return { ...layer, index, name: "kernel", inputs: (layer.kernel_size ?? 3) ** 2 * before[2], units: layer.filters };
  });
  return weighted.filter((layer) => layer !== null);
}

/** Whether the first layer's weights belong to the pixels one by one. */
export const beginsWithPixels = ({ network: { layers } }) => Boolean(layers[0].units) && (layers[0].groups ?? 1) === 1;

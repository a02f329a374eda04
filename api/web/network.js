// The layers of a spec's network.

/** The dense layers of a spec, each with its `index` and `inputs`, the number of rows of its weights. */
export function denseLayers({ dataset, network: { layers } }) {
  const before = (index) => layers.slice(0, index).findLast((layer) => layer.units); // custom layers keep their width
  const inputs = (index) => before(index)?.units ?? dataset.image_size ** 2;
  return layers.map((layer, index) => ({ ...layer, index, inputs: inputs(index) })).filter((layer) => !layer.custom);
}

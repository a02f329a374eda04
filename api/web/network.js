// What a spec's network is made of.

/** The layers that have weights, each as the spec has it with its `index` and `inputs`: the rows of its weights. */
export function denseLayers({ dataset, network: { layers } }) {
  const before = (index) => layers.slice(0, index).findLast((layer) => layer.units); // custom layers keep their width
  const inputs = (index) => before(index)?.units ?? dataset.image_size ** 2;
  return layers.map((layer, index) => ({ ...layer, index, inputs: inputs(index) })).filter((layer) => !layer.custom);
}

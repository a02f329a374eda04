// Jobs to begin with. What a preset leaves out has the service's default.

const head = { units: 10, activation: "softmax", initializer: "xavier" };
const relu = (units) => ({ units, activation: "relu", initializer: "he" });

/** What the form offers, the first where nothing was entered yet. */
export const PRESETS = [
  {
    name: "The blog's network",
    about: "144-20-10, one honest pass for each of its 3,110 parameters. Seconds.",
    spec: { name: "the blog's network" },
  },
  {
    name: "Fast",
    about: "144-64-10, exact gradients by one pass per unit, with momentum. The best accuracy for little time.",
    spec: {
      name: "fast",
      network: { layers: [relu(64), head] },
      gradient: { method: "per-neuron" },
      optimizer: { name: "momentum", learning_rate: 0.1 },
      epochs: 5,
    },
  },
  {
    name: "Full size",
    about: "784-100-10 on the original pixels: the network that took the blog 33 hours for one epoch.",
    spec: {
      name: "full size",
      dataset: { image_size: 28 },
      network: { layers: [relu(100), head] },
      gradient: { method: "per-neuron" },
      optimizer: { name: "momentum", learning_rate: 0.1 },
      epochs: 3,
    },
  },
  {
    name: "Forward gradient",
    about: "Random directions in place of all: cheap passes, noisy steps.",
    spec: {
      name: "forward gradient",
      gradient: { method: "forward-gradient", directions: 16, perturb: "activations" },
      optimizer: { name: "adam", learning_rate: 0.003 },
      epochs: 3,
    },
  },
  {
    name: "Black box",
    about: "A layer that rounds, which nobody can differentiate; only function values are used.",
    spec: {
      name: "black box",
      network: { layers: [relu(20), { custom: "quantize" }, head] },
      gradient: { method: "spsa", directions: 32, step_size: 0.01 },
      optimizer: { name: "adam", learning_rate: 0.003 },
      epochs: 3,
    },
  },
];

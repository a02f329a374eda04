// Presets of the form. Fields that a preset leaves out have the service's defaults.

const head = { units: 10, activation: "softmax", initializer: "xavier" };
const relu = (units) => ({ units, activation: "relu", initializer: "he" });

/** The presets; the first is chosen when nothing was entered yet. */
export const PRESETS = [
  {
    name: "Default",
    about: "144-20-10, one forward pass for each of its 3,110 parameters, as in Koen Baak's dual-numbers. Takes seconds.",
    spec: { name: "default" },
  },
  {
    name: "Fast",
    about: "144-64-10, exact gradients by one pass per unit, with momentum. A good accuracy in seconds.",
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
    about: "784-100-10 on MNIST's own 28x28 pixels, exact gradients by one pass per unit.",
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
    name: "Convolutional",
    about: "Two convolutions and max pooling on 28x28 pixels, one pass for each of 5,386 parameters. 98.5 % in minutes.",
    spec: {
      name: "convolutional",
      dataset: { image_size: 28 },
      network: {
        layers: [
          { type: "conv2d", filters: 8, kernel_size: 5, stride: 2, activation: "relu" },
          { type: "conv2d", filters: 16, kernel_size: 3, activation: "relu" },
          { type: "max-pool2d", size: 2 },
          head,
        ],
      },
      optimizer: { name: "momentum", learning_rate: 0.03, schedule: { name: "cosine" } },
      epochs: 3,
    },
  },
  {
    name: "Forward gradient",
    about: "Random directions instead of all of them: few passes, noisy steps.",
    spec: {
      name: "forward gradient",
      gradient: { method: "forward-gradient", directions: 16, perturb: "activations" },
      optimizer: { name: "adam", learning_rate: 0.003 },
      epochs: 3,
    },
  },
  {
    name: "Black box",
    about: "With a layer that rounds and has no derivative: trained from function values only.",
    spec: {
      name: "black box",
      network: { layers: [relu(20), { custom: "quantize" }, head] },
      gradient: { method: "spsa", directions: 32, step_size: 0.01 },
      optimizer: { name: "adam", learning_rate: 0.003 },
      epochs: 3,
    },
  },
];

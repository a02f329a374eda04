// Every field of the spec with its meaning. `when` says for which specs it exists; blank means the service's default.

import * as api from "../api.js";

const is =
  (path, ...values) =>
  (get) =>
    values.includes(get(path));
const methods = (...names) => is("gradient.method", ...names);
const local = (get) => Number(get("local_steps")) > 1;
const outerNesterov = (get) => local(get) && get("outer.name") === "nesterov";

const datasets = async () => (await api.datasets()).data.map((one) => one.name);

const field =
  (kind, own = {}) =>
  (path, label, meaning, more = {}) => ({
    kind,
    path,
    label,
    meaning,
    blank: "none",
    when: () => true,
    ...own,
    ...more,
  });
const text = field("text");
const lines = field("lines");
const number = field("number", { step: "any" });
const whole = field("number", { step: 1 });
const choice = (path, label, meaning, options, more = {}) => field("select", { options })(path, label, meaning, more);

/** The form's sections in their order. `open` ones stand open at first, the one with `layers` has the list of layers. */
export const SECTIONS = [
  {
    title: "Name and data",
    open: true,
    fields: [
      text("name", "Name", "What you call this job; may be empty.", { maxlength: 200 }),
      text(
        "dataset.name",
        "Data set",
        "mnist comes with the service. Uploaded ones and those the operator allows work too.",
        { suggestions: datasets },
      ),
      whole(
        "dataset.image_size",
        "Image size",
        "Images are scaled to so many pixels a side. 28 are the original ones.",
        { min: 4, max: 64 },
      ),
      whole("dataset.train_limit", "Training samples", "Train on the first so many only.", { min: 1, blank: "all" }),
      whole(
        "dataset.validation_limit",
        "Held back",
        "Training samples kept out to choose the best model. 0: it goes by the test split.",
        { min: 0 },
      ),
    ],
  },
  {
    title: "Network",
    open: true,
    layers: true,
    fields: [
      choice("network.loss", "Loss", "What is made small. Cross-entropy suits classes.", [
        "cross-entropy",
        "mean-squared-error",
      ]),
    ],
  },
  {
    title: "Gradient without backpropagation",
    open: true,
    fields: [
      choice(
        "gradient.method",
        "Method",
        "How forward passes become a gradient. Per parameter: one pass for each E_ij. Per neuron: one for each unit, exact too. " +
          "Forward gradient: random directions. The last two use function values only.",
        ["per-parameter", "per-neuron", "forward-gradient", "finite-difference", "spsa"],
        { wide: true },
      ),
      whole("gradient.directions", "Directions", "Random directions for one gradient. More: less noise, more passes.", {
        min: 1,
        when: methods("forward-gradient", "spsa"),
      }),
      choice(
        "gradient.distribution",
        "Distribution",
        "What the random directions are drawn from.",
        ["normal", "rademacher", "orthogonal"],
        { when: methods("forward-gradient") },
      ),
      choice(
        "gradient.perturb",
        "Perturb",
        "Random directions of the weights, or of the units' pre-activations, which scatter less.",
        ["weights", "activations"],
        { when: methods("forward-gradient") },
      ),
      choice(
        "gradient.scheme",
        "Scheme",
        "Both sides of a parameter, or one: half the evaluations, a larger error.",
        ["central", "forward"],
        { when: methods("finite-difference") },
      ),
      number(
        "gradient.step_size",
        "Step size",
        "How far parameters are moved. Blank: what balances truncation and round-off. Larger for layers that round.",
        { min: 0, when: methods("finite-difference", "spsa") },
      ),
    ],
  },
  {
    title: "Optimizer",
    open: true,
    fields: [
      choice("optimizer.name", "Optimizer", "How a gradient becomes a step.", [
        "sgd",
        "momentum",
        "nesterov",
        "adam",
        "rmsprop",
      ]),
      number(
        "optimizer.learning_rate",
        "Learning rate",
        "The length of a step. 0.1 is usual for sgd, 0.001 for adam.",
        { min: 0 },
      ),
      number("optimizer.momentum", "Momentum", "How much of the last step is kept, from 0 to below 1.", {
        min: 0,
        when: is("optimizer.name", "momentum", "nesterov"),
      }),
      number("optimizer.beta1", "β₁", "Memory of the mean gradient.", { min: 0, when: is("optimizer.name", "adam") }),
      number("optimizer.beta2", "β₂", "Memory of the squared gradient.", {
        min: 0,
        when: is("optimizer.name", "adam"),
      }),
      number("optimizer.decay", "Decay", "Memory of the squared gradient.", {
        min: 0,
        when: is("optimizer.name", "rmsprop"),
      }),
      number("optimizer.epsilon", "Guard", "Keeps the division from 0; not the ε of the derivatives.", {
        min: 0,
        when: is("optimizer.name", "adam", "rmsprop"),
      }),
      number("optimizer.weight_decay", "Weight decay", "Pulls weights to 0. 0: not at all.", { min: 0 }),
      number("optimizer.clip_norm", "Longest gradient", "A longer gradient is shortened to this norm. Blank: never.", {
        min: 0,
      }),
      choice("optimizer.schedule.name", "Schedule", "How the learning rate changes.", ["constant", "step", "cosine"]),
      whole("optimizer.schedule.warmup_steps", "Warm-up", "Steps over which the learning rate grows from nothing.", {
        min: 0,
      }),
      whole("optimizer.schedule.every", "Every", "Steps after which the rate falls.", {
        min: 1,
        when: is("optimizer.schedule.name", "step"),
      }),
      number("optimizer.schedule.decay", "Falls to", "What the rate is multiplied by each time.", {
        min: 0,
        when: is("optimizer.schedule.name", "step"),
      }),
      number("optimizer.schedule.final", "Final", "The share of the rate that is left at the last step.", {
        min: 0,
        when: is("optimizer.schedule.name", "cosine"),
      }),
    ],
  },
  {
    title: "How long",
    open: true,
    fields: [
      whole("batch_size", "Batch size", "Samples that one step looks at. 1: one at a time, as the blog did.", {
        min: 1,
      }),
      whole("epochs", "Epochs", "How often all training samples are seen.", { min: 1 }),
      whole("max_steps", "At most steps", "Ends the job after so many steps. Blank: no limit.", { min: 1 }),
      number("max_seconds", "At most seconds", "Ends the job after so much running time; pauses do not count.", {
        min: 0,
      }),
      number("target_accuracy", "Target accuracy", "Ends the job when it is reached, 0.97 for 97 %. Blank: none.", {
        min: 0,
        max: 1,
      }),
      whole("evaluate_every", "Evaluate every", "Steps from one look at the whole test split to the next.", { min: 1 }),
    ],
  },
  {
    title: "Parallel work and numbers",
    fields: [
      text(
        "shards",
        "Shards",
        "Tasks that one round is cut into. auto: as many as are fastest. It never changes the result.",
        { number: true },
      ),
      whole(
        "local_steps",
        "Local steps",
        "Above 1 each replica makes so many steps by itself before they are averaged.",
        { min: 1 },
      ),
      whole("replicas", "Replicas", "How many train side by side; only with local steps.", { min: 1, when: local }),
      choice("outer.name", "Outer step", "How the replicas' changes become one.", ["average", "nesterov"], {
        when: local,
      }),
      number("outer.learning_rate", "Outer rate", "The length of the outer step.", {
        min: 0,
        when: outerNesterov,
      }),
      number("outer.momentum", "Outer momentum", "How much of the last outer step is kept.", {
        min: 0,
        when: outerNesterov,
      }),
      choice("dtype", "Numbers", "float32 is fast, float64 exact.", ["float32", "float64"]),
      whole("seed", "Seed", "The same seed and spec give the same weights, bit for bit.", { min: 0 }),
    ],
  },
  {
    title: "Housekeeping",
    fields: [
      whole("priority", "Priority", "9 runs first, 0 last.", { min: 0, max: 9 }),
      text(
        "initial_weights",
        "Start from",
        "A job's id or an alias: begin with its newest weights. Blank: fresh ones.",
      ),
      whole("keep_checkpoints", "Checkpoints", "Kept besides the best and the last.", { min: 0, max: 100 }),
      whole("keep_seconds", "Keep for", "Seconds after which an ended job is deleted.", { min: 0 }),
      text("webhook_url", "Webhook", "An address that gets a signed message when the job ends.", { type: "url" }),
      lines("metadata", "Metadata", "Your own notes, one key=value on a line."),
    ],
  },
];

/** The fields of all sections. */
export const FIELDS = SECTIONS.flatMap((section) => section.fields);

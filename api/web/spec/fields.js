// Every field of the spec with its explanation. `when` says for which specs it exists; blank is the service's default.

import * as api from "../api.js";

const is =
  (path, ...values) =>
  (get) =>
    values.includes(get(path));
const methods = (...names) => is("gradient.method", ...names);
const perturbs = (what) => (get) => methods("forward-gradient")(get) && (get("gradient.perturb") ?? "weights") === what;
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
const number = field("number", { inputmode: "decimal" });
const numbers = field("numbers", { inputmode: "text" });
const whole = field("number", { inputmode: "numeric" });
const choice = (path, label, meaning, options, more = {}) => field("select", { options })(path, label, meaning, more);
const toggle = field("toggle", { options: ["yes", "no"] });

/** The form's sections in order. `open`: unfolded at first; `layers`: contains the list of layers. */
export const SECTIONS = [
  {
    title: "Name and data",
    open: true,
    fields: [
      text("name", "Name", "A name for this job. May be empty.", { maxlength: 200 }),
      text(
        "dataset.name",
        "Data set",
        "mnist is built in. Uploaded data sets and those that the operator allows can be chosen too.",
        { suggestions: datasets },
      ),
      whole(
        "dataset.image_size",
        "Image size",
        "Side length in pixels; MNIST's own is 28.",
      ),
      whole("dataset.train_limit", "Training samples", "Use only the first N training samples.", { blank: "all" }),
      whole(
        "dataset.validation_limit",
        "Validation samples",
        "Training samples held back to choose the best model. 0: the test split is used instead.",
      ),
    ],
  },
  {
    title: "Network",
    open: true,
    layers: true,
    fields: [
      choice("network.loss", "Loss", "The function to minimize. Cross-entropy is usual for classification.", [
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
        "How forward passes become a gradient. per-parameter: one pass for each weight and bias. per-neuron: one for each unit, exact too. " +
          "forward-gradient: random directions. finite-difference and spsa use function values only.",
        ["per-parameter", "per-neuron", "forward-gradient", "finite-difference", "spsa", "custom"],
        { wide: true },
      ),
      text("gradient.name", "Name of the method", "A method that the operator of this service has installed.", {
        when: methods("custom"),
      }),
      whole("gradient.directions", "Directions", "Random directions per gradient. More directions: less noise, more passes.", {
        when: methods("forward-gradient", "spsa"),
      }),
      choice(
        "gradient.distribution",
        "Distribution",
        "Distribution of the random directions.",
        ["normal", "rademacher", "orthogonal", "low-rank"],
        { when: methods("forward-gradient") },
      ),
      choice(
        "gradient.guess",
        "Guess",
        "next-weights: perturb the units before the last layer in the span of its weights only, with far less noise.",
        ["none", "next-weights"],
        { when: perturbs("activations") },
      ),
      whole("gradient.pieces", "Pieces", "Each direction moves one of this many ranges of the weights.", {
        when: perturbs("weights"),
      }),
      choice(
        "gradient.average",
        "Average",
        "mean of the directions, or projection of the gradient on them.",
        ["mean", "projection"],
        { when: perturbs("weights") },
      ),
      choice(
        "gradient.perturb",
        "Perturb",
        "Perturb the weights, or the pre-activations of each sample's active units, which has less variance.",
        ["weights", "activations"],
        { when: methods("forward-gradient") },
      ),
      toggle(
        "gradient.exact_last_layer",
        "Exact last layer",
        "The last layer is not perturbed and gets its exact gradient: one pass for each class, far less noise.",
        { when: methods("forward-gradient") },
      ),
      choice(
        "gradient.scheme",
        "Scheme",
        "central: both sides of each parameter. forward: one side, half the evaluations, a larger error.",
        ["central", "forward"],
        { when: methods("finite-difference") },
      ),
      number(
        "gradient.step_size",
        "Step size",
        "How far parameters are moved. Blank: balances truncation and round-off error. Use larger steps for layers that round.",
        { when: methods("finite-difference", "spsa") },
      ),
    ],
  },
  {
    title: "Optimizer",
    open: true,
    fields: [
      choice("optimizer.name", "Optimizer", "How a gradient becomes an update of the parameters.", [
        "sgd",
        "momentum",
        "nesterov",
        "adam",
        "adamw",
        "rmsprop",
      ]),
      number(
        "optimizer.learning_rate",
        "Learning rate",
        "Scale of each update. 0.1 is usual for sgd, 0.001 to 0.003 for adam.",
      ),
      number("optimizer.momentum", "Momentum", "Share of the previous update that is kept, from 0 to below 1.", {
        when: is("optimizer.name", "momentum", "nesterov"),
      }),
      number("optimizer.beta1", "Beta 1", "Decay of the running mean of gradients.", { when: is("optimizer.name", "adam", "adamw") }),
      number("optimizer.beta2", "Beta 2", "Decay of the running mean of squared gradients.", {
        when: is("optimizer.name", "adam", "adamw"),
      }),
      number("optimizer.decay", "Decay", "Decay of the running mean of squared gradients.", {
        when: is("optimizer.name", "rmsprop"),
      }),
      number("optimizer.epsilon", "Epsilon", "Added to the denominator; unrelated to the ε of dual numbers.", {
        when: is("optimizer.name", "adam", "adamw", "rmsprop"),
      }),
      number("optimizer.weight_decay", "Weight decay", "Share of each weight subtracted per update, times the learning rate. 0: none."),
      number("optimizer.clip_norm", "Clip gradient norm", "Larger gradients are scaled down to this norm. Blank: no clipping.", {
      }),
      numbers(
        "optimizer.layer_factors",
        "Layer factors",
        "For each layer a factor of the learning rate, separated by commas; 0 keeps a layer as it is. 0, 1 trains the last of two layers only.",
        { blank: "all 1" },
      ),
      choice("optimizer.schedule.name", "Schedule", "How the learning rate changes over the steps.", ["constant", "step", "cosine"]),
      whole("optimizer.schedule.warmup_steps", "Warm-up", "Steps over which the learning rate grows from 0.", {
      }),
      whole("optimizer.schedule.every", "Decay every", "Steps between two reductions of the learning rate.", {
        when: is("optimizer.schedule.name", "step"),
      }),
      number("optimizer.schedule.decay", "Decay factor", "The learning rate is multiplied by it at each reduction.", {
        when: is("optimizer.schedule.name", "step"),
      }),
      number("optimizer.schedule.final", "Final factor", "Share of the learning rate that remains at the last step.", {
        when: is("optimizer.schedule.name", "cosine"),
      }),
    ],
  },
  {
    title: "Duration",
    open: true,
    fields: [
      whole("batch_size", "Batch size", "Samples per step.", {
      }),
      whole("epochs", "Epochs", "Passes over all training samples."),
      whole("max_steps", "Maximum steps", "Ends the job after this many steps. Blank: no limit."),
      number("max_seconds", "Maximum seconds", "Ends the job after this much running time, without pauses.", {
      }),
      number("target_accuracy", "Target accuracy", "Ends the job when the accuracy reaches it: 0.97 is 97 %. Blank: none.", {
      }),
      whole("evaluate_every", "Evaluate every", "Steps between evaluations on the whole test split."),
    ],
  },
  {
    title: "Parallelism and precision",
    fields: [
      text(
        "shards",
        "Shards",
        "Parts that each gradient is divided into, to be computed in parallel. auto: the fastest number. It never changes the result.",
        { number: true },
      ),
      whole(
        "local_steps",
        "Local steps",
        "Above 1: each replica makes this many steps on its own before they are averaged.",
      ),
      whole("replicas", "Replicas", "Copies of the network that train in parallel; only with local steps.", { when: local }),
      choice("outer.name", "Outer optimizer", "How the replicas' changes are combined.", ["average", "nesterov"], {
        when: local,
      }),
      number("outer.learning_rate", "Outer learning rate", "Scale of the combined change.", {
        when: outerNesterov,
      }),
      number("outer.momentum", "Outer momentum", "Share of the previous outer change that is kept.", {
        when: outerNesterov,
      }),
      choice("dtype", "Precision", "float32 is faster, float64 more precise.", ["float32", "float64"]),
      whole("seeds.weights", "Seed of the weights", "Seed of the initial weights alone.", { blank: "the seed" }),
      whole("seeds.order", "Seed of the order", "Seed of the order of samples alone.", { blank: "the seed" }),
      whole("seeds.directions", "Seed of the directions", "Seed of random directions alone.", { blank: "the seed" }),
      whole(
        "diagnostics.cosine_every",
        "Compare every",
        "Steps between two comparisons of the gradient with the exact one of the same batch. Blank: never.",
        { blank: "never" },
      ),
      whole("seed", "Seed", "Random seed: initial weights, shuffling, random directions. The same seed and spec give the same weights, bit for bit."),
    ],
  },
  {
    title: "Queue and storage",
    fields: [
      whole("priority", "Priority", "Jobs of higher priority start first: 9 is the highest, 0 the lowest."),
      text(
        "initial_weights",
        "Start from",
        "A job's id or an alias: start with its latest weights. Blank: random weights.",
      ),
      whole("keep_checkpoints", "Checkpoints", "Number of checkpoints kept besides the best and the last."),
      whole("keep_seconds", "Delete after", "Seconds after its end when the job is deleted."),
      text("webhook_url", "Webhook", "A URL that receives a signed message when the job ends.", { type: "url" }),
      lines("metadata", "Metadata", "Your own labels, one key=value per line."),
    ],
  },
];

/** The fields of all sections. */
export const FIELDS = SECTIONS.flatMap((section) => section.fields);

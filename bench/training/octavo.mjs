/** node octavo.mjs NET MODE SECONDS BATCH THREADS: steps of Octavo on this one batch, on one thread unless told otherwise; MODE is float, or qat with learned ranges. */
import {
  add,
  fit,
  input,
  layers,
  losses,
  model,
  optimizers,
  quantizeModel,
} from '../../dist/index.js';
import { nets } from './nets.mjs';
import { report } from './timeSteps.mjs';

const [name, mode, seconds, batch, threads = '1'] = process.argv.slice(2);

const BUILD = {
  conv: (x, filters, size, strides, end) => {
    const useBias = end === 'bias';
    const y = layers
      .conv2d({ filters, kernelSize: size, strides, padding: 'same', useBias })
      .apply(x);
    return useBias ? y : layers.batchNormalization().apply(y);
  },
  depthwise: (x, strides) => {
    const options = { kernelSize: 3, strides, padding: 'same', useBias: false };
    return layers.batchNormalization().apply(layers.depthwiseConv2d(options).apply(x));
  },
  residual: (x, filters, strides) => {
    const inner = BUILD.relu(BUILD.conv(x, filters, 3, strides, 'norm'));
    const y = BUILD.conv(inner, filters, 3, 1, 'norm');
    const shortcut = strides === 1 ? x : BUILD.conv(x, filters, 1, strides, 'bias');
    return BUILD.relu(add(shortcut, y));
  },
  dense: (x, units) => layers.dense({ units }).apply(x),
  relu: (x) => layers.relu().apply(x),
  flatten: (x) => layers.flatten().apply(x),
  pool: (x) => layers.globalAveragePool2d().apply(x),
};

function build({ shape, layers }) {
  const x = input(shape);
  const outputs = layers.reduce((y, [op, ...options]) => BUILD[op](y, ...options), x);
  return model({ inputs: x, outputs }, { seed: 1 });
}

/** One batch, again and again: an epoch is long, so that what happens once an epoch does not count. */
function repeated({ shape, classes }, size) {
  const count = shape.reduce((a, b) => a * b, size);
  const x = Float32Array.from(
    { length: count },
    (_, i) => (((i * 2654435761) >>> 16) % 1000) / 500 - 1,
  );
  const y = Int32Array.from({ length: size }, (_, i) => (i * 7) % classes);
  const steps = 1_000_000;
  return {
    ...{ shape, classes, steps, seed: 1, epoch: 0, batchSize: size, length: steps * size },
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < steps; i++) yield { x, y, size };
    },
  };
}

const WARM_UP = 10;

const sgd = () => optimizers.sgd({ learningRate: 0.01, momentum: 0.9 });

/**
 * Quantized after some steps in float, as one would: ranges are calibrated with running statistics, which those of a network
 * that has never trained are not.
 */
async function quantized(float, data) {
  const stop = new AbortController();
  const onStep = ({ step }) => step === 50 && stop.abort();
  const loss = losses.crossEntropy();
  await fit(float, data, { loss, optimizer: sgd(), onStep, signal: stop.signal });
  return quantizeModel(float, { calibrationBatches: 1 });
}

await report(async () => {
  const data = repeated(nets[name], Number(batch));
  const float = build(nets[name]);
  const trained = mode === 'qat' ? await quantized(float, data) : float;
  const stop = new AbortController();
  const losses_ = [];
  const times = [];
  let before = 0;
  let end = Number.POSITIVE_INFINITY;
  const onStep = ({ step, loss }) => {
    const now = performance.now();
    if (step === WARM_UP) end = now + 1000 * Number(seconds);
    if (step > WARM_UP) times.push(now - before);
    losses_.push(loss);
    if (now > end) stop.abort();
    before = performance.now();
  };
  const loss = losses.crossEntropy();
  const options = { optimizer: sgd(), onStep, signal: stop.signal, threads: Number(threads) };
  await fit(trained, data, { loss, ...options });
  return { times, firstLoss: losses_[0], lastLoss: losses_.at(-1) };
});

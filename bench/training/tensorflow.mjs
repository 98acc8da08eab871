/** node tensorflow.mjs NET MODE SECONDS BATCH: steps of TensorFlow.js on its wasm backend, float, one thread. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { nets } from './nets.mjs';
import { report, timeSteps } from './timeSteps.mjs';

const require = createRequire(import.meta.url);
const [name, , seconds, batch] = process.argv.slice(2);

await report(async () => {
  const tf = require('@tensorflow/tfjs');
  const backend = require('@tensorflow/tfjs-backend-wasm');
  backend.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
  backend.setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  const net = nets[name];
  const variables = [];
  const weights = (shape, fan) => keep(tf.randomNormal(shape, 0, Math.sqrt(2 / fan), 'float32', 1));
  const filled = (count, value) => keep(tf.fill([count], value));
  const keep = (tensor) => {
    variables.push(tf.variable(tensor));
    return variables.at(-1);
  };
  const norm = (channels) => {
    const [gamma, beta] = [filled(channels, 1), filled(channels, 0)];
    const running = [tf.variable(tf.zeros([channels])), tf.variable(tf.ones([channels]))];
    return (x) => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      for (const [i, now] of [mean, variance].entries()) {
        running[i].assign(tf.add(tf.mul(running[i], 0.99), tf.mul(now, 0.01)));
      }
      return tf.batchNorm(x, mean, variance, beta, gamma, 1e-3);
    };
  };
  /** Each maker takes the channels that come in, and gives those that go out and a function of x. */
  const makers = {
    conv: (from, filters, size, stride, end) => {
      const w = weights([size, size, from, filters], size * size * from);
      const after =
        end === 'norm'
          ? norm(filters)
          : (
              (b) => (x) =>
                tf.add(x, b)
            )(filled(filters, 0));
      return [filters, (x) => after(tf.conv2d(x, w, stride, 'same'))];
    },
    depthwise: (from, stride) => {
      const [w, after] = [weights([3, 3, from, 1], 9), norm(from)];
      return [from, (x) => after(tf.depthwiseConv2d(x, w, stride, 'same'))];
    },
    residual: (from, filters, stride) => {
      const [, first] = makers.conv(from, filters, 3, stride, 'norm');
      const [, second] = makers.conv(filters, filters, 3, 1, 'norm');
      const shortcut = stride === 1 ? (x) => x : makers.conv(from, filters, 1, stride, 'bias')[1];
      return [filters, (x) => tf.relu(tf.add(shortcut(x), second(tf.relu(first(x)))))];
    },
    dense: (from, units) => {
      const [w, b] = [weights([from, units], from), filled(units, 0)];
      return [units, (x) => tf.add(tf.matMul(x, w), b)];
    },
    relu: (from) => [from, (x) => tf.relu(x)],
    pool: (from) => [from, (x) => tf.mean(x, [1, 2])],
    flatten: (from) => [from * flatPixels, (x) => tf.reshape(x, [x.shape[0], -1])],
  };
  // Only lenet flattens: after one stride of 2.
  const flatPixels = (net.shape[0] / 2) ** 2;
  const functions = [];
  let channels = net.shape.at(-1);
  for (const [op, ...options] of net.layers) {
    const [next, call] = makers[op](channels, ...options);
    channels = next;
    functions.push(call);
  }
  const x = tf.randomNormal([Number(batch), ...net.shape], 0, 1, 'float32', 7);
  const classes = Array.from({ length: Number(batch) }, (_, i) => (i * 7) % net.classes);
  const y = tf.oneHot(tf.tensor1d(classes, 'int32'), net.classes);
  const optimizer = tf.train.momentum(0.01, 0.9);
  const cost = () =>
    tf.losses.softmaxCrossEntropy(
      y,
      functions.reduce((t, call) => call(t), x),
    );
  return timeSteps(() => {
    const loss = optimizer.minimize(cost, true, variables);
    const [value] = loss.dataSync();
    loss.dispose();
    return value;
  }, Number(seconds));
});

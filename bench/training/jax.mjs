/** node jax.mjs NET MODE SECONDS BATCH: steps of jax-js on its wasm device, the whole step compiled, float. */
import {
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  nn,
  numpy as np,
  valueAndGrad,
} from '@jax-js/jax';
import { nets } from './nets.mjs';
import { report, timeSteps } from './timeSteps.mjs';

const [name, , seconds, batchText] = process.argv.slice(2);
const batch = Number(batchText);

/** Deterministic values of about the deviation `scale`. */
function spread(shape, scale) {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  let state = 1;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = scale * 1.73 * (state / 2 ** 31 - 1);
  }
  return np.array(values).reshape(shape);
}

await report(async () => {
  await init('wasm');
  defaultDevice('wasm');
  const { shape, classes, layers } = nets[name];
  // Arrays are consumed by what they are given to; `ref` lends one.
  const parameters = [];
  const keep = (array) => parameters.push(array) - 1;
  const filled = (count, value) => keep(np.array(new Float32Array(count).fill(value)));
  const image = (channels) => [1, channels, 1, 1];
  const norm = (channels) => {
    const [gamma, beta] = [filled(channels, 1), filled(channels, 0)];
    return (x, p) => {
      const axes = [0, 2, 3];
      const centred = x.ref.sub(np.mean(x, axes, { keepdims: true }));
      const variance = np.mean(np.square(centred.ref), axes, { keepdims: true });
      const scale = p[gamma].ref.reshape(image(channels)).div(np.sqrt(variance.add(1e-3)));
      return centred.mul(scale).add(p[beta].ref.reshape(image(channels)));
    };
  };
  const convolution = (from, to, size, stride, groups) => {
    const fan = (size * size * from) / groups;
    const w = keep(spread([to, from / groups, size, size], Math.sqrt(2 / fan)));
    const pad = size >> 1;
    const sides = [
      [pad, pad],
      [pad, pad],
    ];
    return (x, p) =>
      lax.convGeneralDilated(x, p[w].ref, [stride, stride], sides, { featureGroupCount: groups });
  };
  const bias = (channels) => {
    const b = filled(channels, 0);
    return (x, p) => x.add(p[b].ref.reshape(image(channels)));
  };
  const makers = {
    conv: (from, filters, size, stride, end) => {
      const call = convolution(from, filters, size, stride, 1);
      const after = end === 'norm' ? norm(filters) : bias(filters);
      return [filters, (x, p) => after(call(x, p), p)];
    },
    depthwise: (from, stride) => {
      const [call, after] = [convolution(from, from, 3, stride, from), norm(from)];
      return [from, (x, p) => after(call(x, p), p)];
    },
    residual: (from, filters, stride) => {
      const [, first] = makers.conv(from, filters, 3, stride, 'norm');
      const [, second] = makers.conv(filters, filters, 3, 1, 'norm');
      const shortcut = stride === 1 ? (x) => x : makers.conv(from, filters, 1, stride, 'bias')[1];
      return [filters, (x, p) => nn.relu(second(nn.relu(first(x.ref, p)), p).add(shortcut(x, p)))];
    },
    dense: (from, units) => {
      const [w, b] = [keep(spread([from, units], Math.sqrt(2 / from))), filled(units, 0)];
      return [units, (x, p) => np.matmul(x, p[w].ref).add(p[b].ref)];
    },
    relu: (from) => [from, (x) => nn.relu(x)],
    pool: (from) => [from, (x) => np.mean(x, [2, 3])],
    flatten: (from) => {
      const count = from * (shape[0] / 2) ** 2;
      return [count, (x) => x.reshape([batch, count])];
    },
  };
  const functions = [];
  let channels = shape.at(-1);
  for (const [op, ...options] of layers) {
    const [next, call] = makers[op](channels, ...options);
    channels = next;
    functions.push(call);
  }
  const cost = (p, x, y) => {
    const logits = functions.reduce((t, call) => call(t, p), x);
    for (const array of p) array.dispose();
    return nn
      .logSoftmax(logits)
      .mul(y)
      .sum()
      .mul(-1 / batch);
  };
  const update = jit((p, momenta, x, y) => {
    const [loss, gradients] = valueAndGrad(cost)(
      p.map((array) => array.ref),
      x,
      y,
    );
    const next = momenta.map((m, i) => m.mul(0.9).add(gradients[i]));
    return [loss, p.map((w, i) => w.sub(next[i].ref.mul(0.01))), next];
  });
  const nchw = shape.length === 3 ? [shape[2], shape[0], shape[1]] : shape;
  const x = spread([batch, ...nchw], 1);
  const labels = Int32Array.from({ length: batch }, (_, i) => (i * 7) % classes);
  const y = nn.oneHot(np.array(labels, { dtype: np.int32 }), classes);
  let state = [parameters, parameters.map((w) => np.zerosLike(w.ref))];
  return timeSteps(async () => {
    const [loss, ...next] = update(...state, x.ref, y.ref);
    state = next;
    await blockUntilReady(state);
    return (await loss.data())[0];
  }, Number(seconds));
});

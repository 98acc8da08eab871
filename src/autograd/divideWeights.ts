/** How calls over weights are divided: by their output channels. */

import { packedWeightsBytes } from '../core/int8Layout.ts';
import { COST_OF_ELEMENT, type Rule, type Rules, shifted } from './division.ts';

/** Scales of so many channels fill a cache line. */
const CHANNELS_OF_LINE = 16;

/**
 * Kernels (outer, channels, inner, …); bytes of an element of [channels, inner] and of [channels] by index of the
 * argument. Depthwise weights, whose outer is not 1, are few and stay whole.
 */
function channels(
  elements: Readonly<Record<number, 1 | 4>>,
  scales: Readonly<Record<number, 4>>,
): Rule {
  return (args) => {
    const [outer, count, inner] = args as [number, number, number];
    const entries = Object.entries(elements).map(([at, bytes]) => [at, bytes * inner]);
    const strides = { ...Object.fromEntries(entries), ...scales };
    if (outer !== 1) return { units: 1, unitCost: COST_OF_ELEMENT * count, part: () => args };
    return {
      units: count,
      unitCost: COST_OF_ELEMENT * inner,
      grain: CHANNELS_OF_LINE,
      part: (first, channels) => shifted(args, 1, strides, first, channels),
    };
  };
}

/** (n, rows, run, zeroPoint, w, packed): a unit is a panel of 8 outputs. */
const pack: Rule = (args) => {
  const [n, rows, run, zeroPoint, w, packed] = args as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const depth = rows * ((run + 1) & ~1);
  return {
    units: Math.ceil(n / 8),
    unitCost: 8 * COST_OF_ELEMENT * depth,
    part: (first, count) => {
      const outputs = Math.min(8 * count, n - 8 * first);
      const from = w + 8 * first * rows * run;
      return [outputs, rows, run, zeroPoint, from, packed + packedWeightsBytes(8 * first, depth)];
    },
  };
};

export const weightDivisions: Rules = {
  f32_qc8w_quantize: channels({ 3: 4, 7: 1, 8: 4 }, { 4: 4 }),
  f32_qc8w_lsq_backward: channels({ 3: 4, 7: 4, 8: 4 }, { 4: 4, 9: 4 }),
  f32_ewgs: channels({ 3: 4, 5: 4 }, { 4: 4 }),
  qs8_pack_weights: pack,
};

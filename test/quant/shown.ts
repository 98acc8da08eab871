import type { QuantizedModel } from '../../src/quant/quantizeModel.ts';

/** 'name: method bits' of each quantizer. */
export function shown({ graph }: QuantizedModel): string[] {
  return [...graph.quantizers].map(([id, { method, qmin, qmax, scale }]) => {
    const bits = Math.log2(qmax - qmin + (qmin === -qmax ? 2 : 1));
    const scales = scale.shape[0] === 1 ? '' : ` ×${scale.shape[0]}`;
    return `${graph.values[id]!.name}: ${method} ${bits}${scales}`;
  });
}

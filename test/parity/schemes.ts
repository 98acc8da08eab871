import type { Annotation, TensorAnnotation } from '../../src/graph/annotation.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { type MethodName, methods } from '../../src/quant/methods.ts';
import { type QuantizeOptions, quantizeModel } from '../../src/quant/quantizeModel.ts';
import { schemes as ready } from '../../src/quant/quantizers.ts';

/** A way to quantize any network. */
export interface Scheme {
  readonly name: string;
  readonly options: (graph: Graph) => QuantizeOptions;
}

interface Widths {
  readonly weights: number;
  readonly activations: number;
  /** Default true. */
  readonly perChannel?: boolean;
  /** Default 8, for both. */
  readonly edgeBits?: number;
  readonly otherBits?: number;
}

/** Every width of weights and every width of activations at least once, so that each method meets all of them. */
export const WIDTHS: readonly Widths[] = [
  { weights: 8, activations: 8 },
  { weights: 4, activations: 4 },
  { weights: 3, activations: 3, otherBits: 2 },
  { weights: 2, activations: 2, edgeBits: 2, otherBits: 2 },
  { weights: 4, activations: 8, perChannel: false },
  { weights: 2, activations: 8, edgeBits: 2 },
  { weights: 8, activations: 2, edgeBits: 2, otherBits: 8 },
  { weights: 5, activations: 6, perChannel: false, edgeBits: 2, otherBits: 2 },
  { weights: 6, activations: 7, edgeBits: 2, otherBits: 2 },
  { weights: 7, activations: 5, perChannel: false, otherBits: 2 },
];

export const METHODS = Object.keys(methods) as MethodName[];

/** 'lsq W4A8, one scale, edges 2, others 2' */
function widthsName({ weights, activations, perChannel, edgeBits, otherBits }: Widths): string {
  const parts = [
    `W${weights}A${activations}`,
    ...(perChannel === false ? ['one scale'] : []),
    ...(edgeBits ? [`edges ${edgeBits}`] : []),
    ...(otherBits ? [`others ${otherBits}`] : []),
  ];
  return parts.join(', ');
}

function widthsOptions(method: MethodName, widths: Widths): QuantizeOptions {
  const { weights, activations, perChannel = true, edgeBits = 8, otherBits = 8 } = widths;
  return {
    method,
    weights: { bits: weights, perChannel },
    activations: { bits: activations },
    ...{ edgeBits, otherBits },
  };
}

/** Methods and widths of tensor after tensor, no two neighbours with the same; `turn` begins elsewhere. */
function mixedLayers(graph: Graph, turn: number): Readonly<Record<string, Annotation>> {
  const layers: Record<string, Annotation> = {};
  let at = turn;
  for (const [id, { target, method }] of quantizeModel(graph).graph.quantizers) {
    if (method === 'fixed') continue;
    const own: TensorAnnotation = { method: METHODS[at % 9]!, bits: 2 + (at % 7) };
    at++;
    const reader = graph.nodes.find(({ inputs }) => inputs.includes(id))!;
    const [name, tensor] =
      target === 'weight'
        ? [reader.name, { weights: { ...own, perChannel: at % 3 > 0 } }]
        : [graph.values[id]!.name, { activations: own }];
    layers[name] = { ...layers[name], ...tensor };
  }
  return layers;
}

const mixed = (turn: number): Scheme => ({
  name: `mixed methods and widths ${turn}`,
  options: (graph) => ({ layers: mixedLayers(graph, turn) }),
});

const readyMade = (name: string, options: QuantizeOptions): Scheme => ({
  name,
  options: () => options,
});

const oneScale = { perChannel: false };

/** Beyond one method for all at some widths. */
export const SPECIAL: readonly Scheme[] = [
  readyMade('default8Bit', ready.default8Bit()),
  mixed(0),
  readyMade('defaultNBit W4A4', ready.defaultNBit({ weightBits: 4, activationBits: 4 })),
  mixed(5),
  readyMade('default8Bit, one scale', ready.default8Bit(oneScale)),
  readyMade(
    'defaultNBit W2A3, one scale',
    ready.defaultNBit({ weightBits: 2, activationBits: 3, ...oneScale }),
  ),
];

/** How much of the table of schemes a network is worth. */
export interface Share {
  /** 1: every scheme. n: every n-th, which meets all methods unless 3 divides n, and all widths up to 9. */
  readonly every: number;
  /** The first of them; default 0. */
  readonly from?: number;
  /** Of `SPECIAL`, the first so many. */
  readonly special: number;
}

/** Every method at every row of `WIDTHS`. */
export const SCHEMES: readonly Scheme[] = WIDTHS.flatMap((widths) =>
  METHODS.map((method) => ({
    name: `${method} ${widthsName(widths)}`,
    options: () => widthsOptions(method, widths),
  })),
);

/** What a row of networks meets: every n-th scheme, and the first of `SPECIAL`. */
export function chosen({ every, from = 0, special }: Share): readonly Scheme[] {
  const nth = SCHEMES.filter((_, i) => i >= from && (i - from) % every === 0);
  return [...nth, ...SPECIAL.slice(0, special)];
}

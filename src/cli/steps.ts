import type { Graph } from '../graph/graph.ts';
import { nodeMacs } from '../graph/macs.ts';
import { moduleFrom } from '../runtime/module.ts';
import { makePlan, type Plan } from '../runtime/plan.ts';
import allKernels from '../wasm/generated/infer.ts';
import { bind, type Call } from '../wasm/step.ts';
import { CEILING_MACS, ceilingLoop } from './ceiling.ts';

/** What the plan does for a node, at batch 1 on one thread. */
export interface StepInfo {
  readonly macs: number;
  /** The kernels that it calls; none where the output is the input under another shape. */
  readonly kernels: readonly string[];
  /** Bytes of the arena in use while it runs: activations and scratch. */
  readonly arenaBytes: number;
}

/** Measured times of a node: the best of all rounds, in ms. */
export interface StepTime {
  readonly ms: number;
  /** Of the sum over all nodes. */
  readonly share: number;
  /** Multiply-accumulates a second over those of the ceiling loop; undefined without any. */
  readonly ratio?: number;
}

export interface Timing {
  /** 10⁹ multiply-accumulates a second of the ceiling loop. */
  readonly ceiling: number;
  readonly nodes: readonly StepTime[];
}

export async function planOf(graph: Graph): Promise<Plan> {
  return makePlan(graph, await moduleFrom(undefined, allKernels));
}

export function stepsOf({ graph, nodes, blocks }: Plan): StepInfo[] {
  return graph.nodes.map((node, i) => {
    const alive = blocks.filter(({ first, last }) => first <= i + 1 && last >= i + 1);
    return {
      macs: nodeMacs(graph, node),
      kernels: [...new Set(nodes[i]!.map(({ kernel }) => kernel))],
      arenaBytes: alive.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  });
}

/** Rounds that V8 needs to compile every kernel with its optimizing compiler, and those that count. */
const WARM_UP_MS = 500;
const MEASURED_MS = 1500;

/** Times each node of a plan inside whole runs, so that caches are as they are in a run. The input is what memory holds. */
export async function timeSteps(plan: Plan): Promise<Timing> {
  const calls = plan.nodes.map((steps) =>
    steps.flatMap(({ kernel, parts }) => parts.map((part) => bind(plan.kernels, kernel, part))),
  );
  // The ceiling is measured in the same rounds: on a busy machine the two share good and bad moments.
  const timed = [...calls, [await ceilingLoop()]];
  const best = timed.map(() => Infinity);
  repeat(WARM_UP_MS, () => round(timed, best));
  best.fill(Infinity);
  repeat(MEASURED_MS, () => round(timed, best));
  const ceiling = CEILING_MACS / best.pop()! / 1e6;
  const total = best.reduce((sum, ms) => sum + ms, 0);
  const nodes = plan.graph.nodes.map((node, i) => {
    const macs = nodeMacs(plan.graph, node);
    const ms = best[i]!;
    return { ms, share: ms / total, ...(macs > 0 && { ratio: macs / ms / 1e6 / ceiling }) };
  });
  return { ceiling, nodes };
}

function repeat(ms: number, work: () => void): void {
  const end = performance.now() + ms;
  do work();
  while (performance.now() < end);
}

function round(calls: readonly (readonly Call[])[], best: number[]): void {
  calls.forEach((node, i) => {
    const start = performance.now();
    for (const call of node) call();
    best[i] = Math.min(best[i]!, performance.now() - start);
  });
}

import type { Elements } from '../core/dtype.ts';
import { rangeError } from '../core/errors.ts';
import { type Graph, type Parameter, parametersOf } from '../graph/graph.ts';

/** Values of parameters by name. */
export type Weights = ReadonlyMap<string, Elements>;

/** The parameters of a graph by name. Of equal names all but the first get a number: `gain`, `gain#2`. */
export function namedParameters(graph: Graph): Map<string, Parameter> {
  const named = new Map<string, Parameter>();
  for (const parameter of parametersOf(graph)) {
    let name = parameter.name;
    for (let n = 2; named.has(name); n++) name = `${parameter.name}#${n}`;
    named.set(name, parameter);
  }
  return named;
}

/** A copy of the parameters' arrays. */
export function copyWeights(graph: Graph): Weights {
  return new Map([...namedParameters(graph)].map(([name, { data }]) => [name, data.slice()]));
}

/** Throws a RangeError that starts with `where` unless there is an array of the right type and length for each parameter. */
export function checkWeights(where: string, graph: Graph, weights: Weights): void {
  for (const [name, { data }] of namedParameters(graph)) {
    const found = weights.get(name);
    if (found?.constructor === data.constructor && found.length === data.length) continue;
    const kind = data.constructor.name;
    const got = found ? `${found.length} in a ${found.constructor.name}` : 'none';
    throw rangeError(where, `${data.length} values of ${name} in a ${kind}`, got);
  }
}

/** Writes the values into the parameters' arrays; `checkWeights` has seen them. */
export function writeWeights(graph: Graph, weights: Weights): void {
  for (const [name, { data }] of namedParameters(graph)) data.set(weights.get(name)!);
}

import { rangeError } from '../core/errors.ts';
import { type Graph, type Parameter, parametersOf } from '../graph/graph.ts';

/** Parameters that a `fit` is training. */
const training = new WeakSet<Parameter>();

/**
 * Runs `work` with the graph's parameters to itself: of two runs that train one parameter, the one that saves last would
 * undo the other. Throws a RangeError when another run has one of them.
 */
export async function claim<T>(where: string, graph: Graph, work: () => Promise<T>): Promise<T> {
  const parameters = parametersOf(graph);
  const taken = parameters.find((parameter) => training.has(parameter));
  if (taken) {
    throw rangeError(where, 'a model that no other fit is training', `${taken.name} in training`);
  }
  for (const parameter of parameters) training.add(parameter);
  try {
    return await work();
  } finally {
    for (const parameter of parameters) training.delete(parameter);
  }
}

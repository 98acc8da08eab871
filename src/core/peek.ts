/**
 * The batches of `data` as it gives them in `epoch`, without moving `data.epoch`: to look at data must not change the
 * order of training. Holds however iterations overlap, as the number counts before an iteration first waits.
 */
export function peek<T>(
  data: AsyncIterable<T> & { epoch?: number },
  epoch: number | undefined = data.epoch,
): AsyncIterable<T> {
  if (epoch === undefined) return data;
  const keeping = <R>(work: () => R): R => {
    const kept = data.epoch!;
    data.epoch = epoch;
    try {
      return work();
    } finally {
      data.epoch = kept;
    }
  };
  return {
    [Symbol.asyncIterator]() {
      const batches = keeping(() => data[Symbol.asyncIterator]());
      return {
        next: () => keeping(() => batches.next()),
        return: async () => (await batches.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

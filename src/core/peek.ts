/**
 * The batches of `data` as it gives them in `epoch`, without moving `data.epoch`: to look at data must not change the
 * order of training. A dataset that has no `batches` is asked for an iteration with its number set for as long as it does not
 * wait: holds however iterations overlap, as the number counts before an iteration first waits.
 */
export function peek<T>(
  data: AsyncIterable<T> & { epoch?: number; batches?(epoch: number): AsyncIterable<T> },
  epoch: number | undefined = data.epoch,
): AsyncIterable<T> {
  if (epoch === undefined) return data;
  if (data.batches) return data.batches(epoch);
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

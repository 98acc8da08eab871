/** Of one process: what its steps took, in ms, and the loss before and after. */

const WARM_UP = 5;
const LEAST = 3;

/** `step` trains once on the same batch and resolves to the loss. Runs about `seconds`; steps that last long are not warmed up. */
export async function timeSteps(step, seconds) {
  const firstLoss = await step();
  const started = performance.now();
  let lastLoss = await step();
  const slow = performance.now() - started > 1000;
  for (let i = 1; !slow && i < WARM_UP; i++) await step();
  const times = [];
  const start = performance.now();
  while (times.length < LEAST || performance.now() - start < 1000 * seconds) {
    const before = performance.now();
    lastLoss = await step();
    times.push(performance.now() - before);
    if (slow && performance.now() - start > 1000 * seconds) break;
  }
  return { times, firstLoss, lastLoss };
}

/** Prints what `steps` measures, or the error that keeps it from measuring, as the last line. */
export async function report(steps) {
  try {
    console.log(JSON.stringify(await steps()));
  } catch (error) {
    console.log(
      JSON.stringify({
        error: String(error?.message ?? error)
          .split('\n')[0]
          .slice(0, 300),
      }),
    );
  }
  process.exit(0);
}

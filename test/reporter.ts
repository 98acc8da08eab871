import type { Reporter, TestModule } from 'vitest/node';

/**
 * Closes the run with one plain line, `N passed, N failed`, that other programs can read. A suite whose set-up failed is
 * a failure of its own, and skipped tests are counted on the line before.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      const suites = [module, ...module.children.allSuites()];
      count.failed += suites.filter((suite) => suite.errors().length > 0).length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state === 'pending' ? 'skipped' : state]++;
      }
    }
    process.on('exit', () => {
      if (count.skipped > 0) process.stdout.write(`skipped: ${count.skipped}\n`);
      process.stdout.write(`${count.passed} passed, ${count.failed} failed\n`);
    });
  }
}

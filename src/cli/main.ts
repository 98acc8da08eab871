#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { learnAllOps } from '../graph/integer/otherOps.ts';
import { evaluateCommand } from './evaluate.ts';
import { importCommand } from './import.ts';
import { inspectCommand } from './inspect.ts';
import { quantizeCommand } from './quantize.ts';
import { quickstartCommand } from './quickstart.ts';
import { runCommand } from './run.ts';
import { printable } from './table.ts';
import { trainCommand } from './train.ts';
import { verifyCommand } from './verify.ts';

declare const OCTAVO_VERSION: string;

/** Exit codes: 0 well, 1 a mismatch or a failure, 2 a command line that makes no sense. */
async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('octavo')
    .description('Train small networks, quantize them while they train, run them as int8 anywhere.')
    .version(OCTAVO_VERSION, '--version')
    .showHelpAfterError('(octavo --help tells what there is)')
    .exitOverride();
  const commands = [
    quickstartCommand(),
    trainCommand(),
    importCommand(),
    quantizeCommand(),
    runCommand(),
    evaluateCommand(),
    verifyCommand(),
    inspectCommand(),
  ];
  for (const command of commands) {
    program.addCommand(command.exitOverride());
  }
  learnAllOps();
  try {
    await program.parseAsync(argv as string[]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const lines = String(error instanceof Error ? error.message : error).split('\n');
    process.stderr.write(`octavo: ${lines.map(printable).join('\n')}\n`);
    if (process.env['OCTAVO_DEBUG']) console.error(error);
    return 1;
  }
}

process.exitCode = await main(process.argv);

/** Recurrent layers. */

import {
  checkFlag,
  checkInteger,
  checkOptions,
  kindOf,
  rangeError,
  typeError,
} from '../core/errors.ts';
import { showShape } from '../core/shape.ts';
import { apply, type Handle } from '../graph/dispatch.ts';
import type { Initializer, InitializerName } from '../graph/initializers.ts';
import { BASE, checkInitializer, initializerOf, Layer, type LayerOptions } from './layer.ts';
import { concatenate } from './merge.ts';
import { Module } from './module.ts';

/** Those of Keras, with its defaults. */
export interface RecurrentOptions extends LayerOptions {
  /** Size of the state and of the output. */
  readonly units: number;
  /** Gives the output of every time step, not of the last alone. */
  readonly returnSequences?: boolean;
  /** Reads the input from its end; the outputs are in the order in which they are computed. */
  readonly goBackwards?: boolean;
  readonly useBias?: boolean;
  readonly kernelInitializer?: InitializerName;
  /** Default 'orthogonal'. */
  readonly recurrentInitializer?: InitializerName;
}

export interface LstmOptions extends RecurrentOptions {
  /** The bias of the forget gate starts as 1, so that at first the state is kept; default true. */
  readonly unitForgetBias?: boolean;
}

const FLAGS = ['returnSequences', 'goBackwards', 'useBias'] as const;
const OPTIONS = [...BASE, 'units', ...FLAGS, 'kernelInitializer', 'recurrentInitializer'];

/** Gates of a layer, and biases of a gate. */
const cells = { lstm: { gates: 4, biases: 1 }, gru: { gates: 3, biases: 2 } } as const;

/** 1 for the second of four gates, 0 for the others. */
const unitForget: Initializer = (data) => {
  const block = data.length / 4;
  data.fill(1, block, 2 * block);
};

export class Recurrent extends Layer<LstmOptions> {
  constructor(
    readonly cell: keyof typeof cells,
    readonly settings: LstmOptions,
  ) {
    const flags = cell === 'lstm' ? [...FLAGS, 'unitForgetBias' as const] : FLAGS;
    super(cell, settings, [...OPTIONS, ...(cell === 'lstm' ? ['unitForgetBias'] : [])]);
    checkInteger(cell, 'units', settings.units, 1);
    for (const flag of flags) checkFlag(cell, flag, settings[flag] ?? false);
    initializerOf(cell, settings);
    checkInitializer(cell, 'recurrentInitializer', settings.recurrentInitializer ?? 'orthogonal');
  }

  forward(x: Handle): Handle {
    const { cell, settings } = this;
    const { units, returnSequences = false, goBackwards = false } = settings;
    const { recurrentInitializer = 'orthogonal' } = settings;
    if (x.shape.length !== 3)
      throw rangeError(cell, 'the input must be [N,T,C]', showShape(x.shape));
    const rows = cells[cell].gates * units;
    const features = x.shape[2]!;
    const kernel = this.#weights('kernel', initializerOf(cell, settings), rows, features);
    const recurrent = this.#weights('recurrentKernel', recurrentInitializer, rows, units);
    const inputs = [x, kernel, recurrent, this.#bias(rows)];
    return this.call(inputs, { units, returnSequences, goBackwards });
  }

  #weights(name: string, initializer: InitializerName, rows: number, features: number) {
    const fans = { fanIn: features, fanOut: rows };
    return this.parameter({ name, shape: [rows, features], initializer, decay: true, ...fans });
  }

  /** Without a bias it stays 0. */
  #bias(rows: number) {
    const { useBias: trainable = true, unitForgetBias = true } = this.settings;
    const forgets = this.cell === 'lstm' && trainable && unitForgetBias;
    const initializer = forgets ? unitForget : ('zeros' as const);
    const { biases } = cells[this.cell];
    const shape = biases === 1 ? [rows] : [biases, rows];
    return this.parameter({ name: 'bias', shape, initializer, trainable });
  }
}

export interface BidirectionalOptions {
  /** What reads the input in its own direction; another with the same options reads it in the other. */
  readonly layer: Recurrent;
}

/** Both directions side by side, forward first. */
export class Bidirectional extends Module {
  readonly #there: Recurrent;
  readonly #back: Recurrent;

  constructor(options: BidirectionalOptions) {
    super();
    checkOptions('bidirectional', options, ['layer']);
    const { layer } = options;
    if (!(layer instanceof Recurrent)) {
      throw typeError('bidirectional', 'the layer must be an lstm or a gru', kindOf(layer));
    }
    const { cell, settings } = layer;
    const { inputShape: _inputShape, name, ...rest } = settings;
    this.#there = layer;
    this.#back = new Recurrent(cell, {
      ...rest,
      goBackwards: !settings.goBackwards,
      ...(name !== undefined && { name: `${name}_back` }),
    });
  }

  protected override get label(): string {
    return 'bidirectional';
  }

  override get inputShape() {
    return this.#there.inputShape;
  }

  forward(x: Handle): Handle {
    const [there, back] = [this.#there.apply(x), this.#back.apply(x)];
    const sequences = this.#there.settings.returnSequences === true;
    return concatenate([there, sequences ? reversed(back) : back]);
  }
}

/** x [N,T,C] with its time steps in the other order. */
function reversed(x: Handle): Handle {
  const [, steps, channels] = x.shape as readonly [number, number, number];
  return apply('slice', [x], { begin: [steps - 1, 0], size: [steps, channels], strides: [-1, 1] });
}

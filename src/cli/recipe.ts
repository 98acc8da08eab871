import { checkOptions, kindOf, typeError } from '../core/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Graph } from '../graph/graph.ts';
import type { Module } from '../nn/module.ts';
import { type ConvertOptions, checkAbout } from '../quant/convert.ts';
import { QUANTIZE_OPTIONS, type QuantizeOptions } from '../quant/quantizeModel.ts';
import type { CheckpointOptions, FitOptions } from '../train/options.ts';

/** `FitOptions` without what the command line provides. */
export interface RecipeFit
  extends Omit<FitOptions, 'validation' | 'signal' | 'resume' | 'checkpoint'> {
  /** When checkpoints are made, besides the last; the command line says where. After each epoch unless given. */
  readonly checkpoint?: Pick<CheckpointOptions, 'everySteps' | 'everyEpochs'>;
}

export interface RecipeData {
  readonly train: Dataset;
  /** Evaluated after each epoch. */
  readonly validation?: Dataset;
  /** Evaluated once training is over; the validation data unless given. */
  readonly test?: Dataset;
}

/** What `octavo train` does: the default export of a recipe. */
export interface TrainConfig {
  readonly model: Module | Graph;
  readonly data: RecipeData;
  /** How the float model is trained. */
  readonly fit?: RecipeFit;
  /** How its quantized form is trained after that, if it is: true for all defaults. */
  readonly quantize?: true | (QuantizeOptions & { readonly fit?: RecipeFit });
  /** Written into the bundle. */
  readonly about?: ConvertOptions;
  /** The file to write: a bundle when there is `quantize`, else the float weights as safetensors. */
  readonly output: string;
}

/** Gives a recipe its types; returns it as it is. */
export function defineTraining(config: TrainConfig): TrainConfig {
  return config;
}

/** Throws a TypeError, starting with `where`, for what is no recipe. */
export function checkRecipe(where: string, config: unknown): TrainConfig {
  if (typeof config !== 'object' || config === null) {
    const expected = 'a recipe whose default export is { model, data, fit, quantize, output }';
    throw typeError(where, expected, config === undefined ? 'none' : kindOf(config));
  }
  checkOptions(where, config, ['model', 'data', 'fit', 'quantize', 'about', 'output']);
  const { model, data, output, quantize, about } = config as TrainConfig;
  if (typeof model !== 'object' || model === null) {
    throw typeError(where, 'model must be a model or a Graph', kindOf(model));
  }
  checkOptions(`${where}: data`, data, ['train', 'validation', 'test']);
  if (typeof data.train !== 'object') {
    throw typeError(where, 'data.train must be a Dataset', kindOf(data.train));
  }
  if (typeof output !== 'string' || output === '') {
    throw typeError(where, 'output must be the name of a file', kindOf(output));
  }
  if (about !== undefined) checkAbout(`${where}: about`, about);
  if (quantize !== undefined && quantize !== true) {
    checkOptions(`${where}: quantize`, quantize, [...QUANTIZE_OPTIONS, 'fit']);
  }
  return config as TrainConfig;
}

/** Octavo: train in TypeScript, quantize while training, ship int8. */

export { useWasm } from './autograd/device.ts';
export { defineTraining, type RecipeData, type RecipeFit, type TrainConfig } from './cli/recipe.ts';
export type { Preprocessing } from './core/preprocess.ts';
export type { QParams } from './core/qparams.ts';
export type { Shape } from './core/shape.ts';
export type { Batch, Dataset } from './data/index.ts';
export * as data from './data/index.ts';
export type { Handle } from './graph/dispatch.ts';
export type { Graph, Node, Parameter, QuantizerSpec, Value } from './graph/graph.ts';
export { input } from './graph/trace.ts';
export { add, concatenate, layers, multiply, subtract } from './nn/layers.ts';
export { type Loss, losses } from './nn/losses.ts';
export { type ModelOptions, model, residual, sequential } from './nn/models.ts';
export { Module } from './nn/module.ts';
export type { ParameterGroup } from './optim/groups.ts';
export { type Optimizer, optimizers } from './optim/optimizer.ts';
export { type Schedule, schedules } from './optim/schedules.ts';
export {
  QuantizeConfig,
  type QuantizeConfigOptions,
  quantizeAnnotateLayer,
  quantizeAnnotateModel,
  quantizeApply,
} from './quant/annotate.ts';
export type { CalibrateOptions } from './quant/calibrate.ts';
export { type Converted, type ConvertOptions, convert } from './quant/convert.ts';
export { ewgsWith } from './quant/ewgs.ts';
export { fixInputOutputRange, type InputOutputRange, removeInputRange } from './quant/fixRange.ts';
export type { Layout, Method, OwnParameter } from './quant/method.ts';
export { methods } from './quant/methods.ts';
export { QuantizedModel, type QuantizeOptions, quantizeModel } from './quant/quantizeModel.ts';
export { quantizers, schemes } from './quant/quantizers.ts';
export type { ActivationOptions, SchemeOptions, WeightOptions } from './quant/scheme.ts';
export type {
  Callback,
  CallbackMemory,
  EpochReport,
  StepReport,
  TrainingRun,
} from './train/callbacks.ts';
export {
  type BestWeightsOptions,
  callbacks,
  type EarlyStoppingOptions,
} from './train/earlyStopping.ts';
export { estimateStatistics } from './train/estimateStatistics.ts';
export { type Evaluation, evaluate } from './train/evaluate.ts';
export { fit } from './train/fit.ts';
export { type IntegerVisitor, visitIntegers } from './train/integers.ts';
export type { CheckpointOptions, FitOptions } from './train/options.ts';
export type { Model } from './train/resolve.ts';
export type { Position } from './train/state.ts';
export type { Weights } from './train/weights.ts';
export { withTeacher } from './train/withTeacher.ts';
export * as zoo from './zoo/index.ts';

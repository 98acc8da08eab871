/** `octavo/safetensors`: weights in safetensors files, PyTorch's and Octavo's own. */
export { cifarResnetModule } from './interop/safetensors/cifarResnetModule.ts';
export { importSafetensors, type SafetensorsOptions } from './interop/safetensors/import.ts';

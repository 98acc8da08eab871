/** `octavo/tflite`: TensorFlow Lite's files. */
export { importTflite, type TfliteOptions } from './interop/tflite/import.ts';
